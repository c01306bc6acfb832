// Handlebars.js with Pinpoint's helpers, written again in JavaScript: what our renderer is compared
// with. Reads one JSON object a line ({template, context, escape}) and answers one a line
// ({text} or {error}).
"use strict";

const crypto = require("crypto");
const readline = require("readline");
const Handlebars = require(process.argv[2]);

const single = (value) => (Array.isArray(value) && value.length === 1 ? single(value[0]) : value);
const missing = (value) => value === undefined || value === null || (Array.isArray(value) && !value.length);
const text = (value) => {
  const found = single(value);
  if (missing(found) || typeof found === "object") throw new Error("no text");
  return String(found);
};
const number = (value) => {
  const found = single(value);
  const result = typeof found === "string" && /^\s*[+-]?\d+(\.\d+)?\s*$/.test(found) ? Number(found) : found;
  if (typeof result !== "number") throw new Error("no number");
  return result;
};
const whole = (value, least, most) => {
  const found = number(value);
  if (!Number.isInteger(found) || found < least || found > most) throw new Error("not whole");
  return found;
};

const condition = (holds) =>
  function (...given) {
    const options = given.pop();
    const result = holds(...given);
    if (options.fn) return result ? options.fn(this) : options.inverse(this);
    if (result) return "yes" in options.hash ? options.hash.yes : true;
    return "no" in options.hash ? options.hash.no : false;
  };
const empty = (value) => Handlebars.Utils.isEmpty(value) || value === 0;
const compare = (a, b) => {
  const [one, other] = [single(a), single(b)];
  if (typeof one !== typeof other || !["string", "number", "boolean"].includes(typeof one)) {
    throw new Error("cannot compare");
  }
  return one > other ? 1 : one < other ? -1 : 0;
};
const equal = (a, b) => {
  const [one, other] = [single(a), single(b)];
  if (missing(one) && missing(other)) return true;
  return typeof one === "object" ? JSON.stringify(one) === JSON.stringify(other) : one === other;
};
const size = (given, options) => whole("size" in options.hash ? options.hash.size : given[1], 0, 10000);
const pad = (options) => (missing(options.hash.pad) ? " " : String(single(options.hash.pad)) || " ");

const helpers = {
  eq: condition(equal),
  neq: condition((a, b) => !equal(a, b)),
  gt: condition((a, b) => compare(a, b) > 0),
  gte: condition((a, b) => compare(a, b) >= 0),
  lt: condition((a, b) => compare(a, b) < 0),
  lte: condition((a, b) => compare(a, b) <= 0),
  and: condition((...all) => all.every((value) => !empty(value))),
  or: condition((...all) => all.some((value) => !empty(value))),
  not: condition(empty),
  upper: (value) => text(value).toUpperCase(),
  lower: (value) => text(value).toLowerCase(),
  capitalize: (value) => text(value).replace(/(^|\s)(\S)/g, (_, space, first) => space + first.toUpperCase()),
  capitalizeFirst: (value) => text(value).slice(0, 1).toUpperCase() + text(value).slice(1),
  cut: (value, what, options) => text(value).split(options ? text(what) : " ").join(""),
  replace: (value, old, changed) => text(value).split(text(old)).join(text(changed)),
  stripTags: (value) => text(value).replace(/<[^>]*>/g, ""),
  slugify: (value) =>
    text(value).trim().replace(/\s/g, "-").replace(/[^\p{L}-]/gu, "").toLowerCase(),
  substring: (...given) => {
    const options = given.pop();
    const found = text(given[0]);
    const start = whole(given[1], 0, found.length);
    const end = given.length > 2 ? whole(given[2], start, found.length) : found.length;
    return found.slice(start, end);
  },
  abbreviate: (value, most) => {
    const found = text(value);
    const width = whole(most, 4, 1e6);
    return found.length <= width ? found : found.slice(0, width - 3) + "...";
  },
  ljust: (...given) => {
    const options = given.pop();
    return text(given[0]).padEnd(size(given, options), pad(options));
  },
  rjust: (...given) => {
    const options = given.pop();
    return text(given[0]).padStart(size(given, options), pad(options));
  },
  center: (...given) => {
    const options = given.pop();
    const found = text(given[0]);
    const width = size(given, options);
    const left = Math.floor(Math.max(width - found.length, 0) / 2);
    return found.padStart(found.length + left, pad(options)).padEnd(width, pad(options));
  },
  join: (...given) => {
    const options = given.pop();
    const separator = given.pop();
    const items = given.length === 1 && (Array.isArray(given[0]) || missing(given[0])) ? given[0] || [] : given;
    if (!items.length) return "";
    const [before, after] = [options.hash.prefix || "", options.hash.suffix || ""];
    return before + items.map((item) => (missing(item) ? "" : String(item))).join(String(separator)) + after;
  },
  yesno: (value, options) => {
    const found = single(value);
    const hash = options.hash;
    if (missing(found)) return "maybe" in hash ? hash.maybe : "maybe";
    const asked = typeof found === "string" ? found.trim().toLowerCase() : found;
    if (asked === true || asked === "true") return "yes" in hash ? hash.yes : "yes";
    if (asked === false || asked === "false") return "no" in hash ? hash.no : "no";
    throw new Error("neither");
  },
  add: (a, b) => number(a) + number(b),
  subtract: (a, b) => number(a) - number(b),
  multiply: (a, b) => number(a) * number(b),
  modulo: (a, b) => {
    if (!number(b)) throw new Error("zero");
    return number(a) % number(b) || 0;
  },
  ceiling: (value) => Math.ceil(number(value)) || 0,
  floor: (value) => Math.floor(number(value)),
  round: (value) => Math.round(number(value)) || 0,
  inflect: (count, one, many, options) => {
    const word = text(number(count) === 1 ? one : many);
    return options.hash.includeCount ? `${number(count)} ${word}` : word;
  },
  ordinalize: (value) => {
    const count = number(value);
    if (!Number.isInteger(count)) throw new Error("not whole");
    const [tens, ones] = [Math.abs(count) % 100, Math.abs(count) % 10];
    if (tens > 10 && tens < 14) return `${count}th`;
    return `${count}${["th", "st", "nd", "rd"][ones] || "th"}`;
  },
  encode64: (value) => Buffer.from(text(value), "utf8").toString("base64"),
  decode64: (value) => Buffer.from(text(value), "base64").toString("utf8"),
  md5: (value) => crypto.createHash("md5").update(text(value)).digest("hex"),
  sha256: (value) => crypto.createHash("sha256").update(text(value)).digest("hex"),
  sha512: (value) => crypto.createHash("sha512").update(text(value)).digest("hex"),
};
Object.entries(helpers).forEach(([name, helper]) => Handlebars.registerHelper(name, helper));

// With `noEscape`, Handlebars.js adds neighbouring numbers up, so values are made texts here instead.
const escapes = Handlebars.Utils.escapeExpression;
const prints = (value) => (value === null || value === undefined ? "" : String(value));

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { template, context, escape } = JSON.parse(line);
  let answer;
  try {
    Handlebars.Utils.escapeExpression = escape ? escapes : prints;
    answer = { text: Handlebars.compile(template)(context) };
  } catch (error) {
    answer = { error: String(error.message) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
});
