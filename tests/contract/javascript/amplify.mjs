// What a web app does with AWS Amplify: record() and identifyUser(), on an endpoint that we redirect.
// Amplify has no option for Pinpoint's URL, so its fetch is sent to our server instead.
// Prints one JSON object, which test_amplify.py looks at.
import { Amplify } from "aws-amplify";
import { flushEvents, identifyUser, record } from "aws-amplify/analytics";

const [server, appId] = process.argv.slice(2);
const answers = [];
const send = globalThis.fetch;
globalThis.fetch = async (url, options) => {
  const asked = new URL(url);
  const answer = await send(new URL(asked.pathname + asked.search, server), options);
  const text = await answer.clone().text();
  answers.push({
    method: options.method,
    path: decodeURIComponent(asked.pathname),
    request: JSON.parse(options.body),
    status: answer.status,
    body: text ? JSON.parse(text) : null,
  });
  return answer;
};

Amplify.configure(
  {
    Analytics: {
      Pinpoint: { appId, region: "eu-central-1", flushSize: 10, flushInterval: 50 },
    },
  },
  {
    Auth: {
      credentialsProvider: {
        getCredentialsAndIdentityId: async () => ({
          credentials: { accessKeyId: "test", secretAccessKey: "test" },
          identityId: "eu-central-1:identity",
        }),
        clearCredentialsAndIdentityId: () => {},
      },
    },
  },
);

const eventsAnswered = () =>
  answers
    .filter(({ method }) => method === "POST")
    .flatMap(({ request }) => Object.values(request.BatchItem))
    .reduce((count, item) => count + Object.keys(item.Events).length, 0);

async function answered(count) {
  const end = Date.now() + 20_000;
  while (eventsAnswered() < count && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

await identifyUser({
  userId: "user-1",
  options: { userAttributes: { interests: ["music", "travel"] } },
  userProfile: {
    email: "customer@example.com",
    plan: "pro",
    customProperties: { plan: ["pro"] },
    demographic: { platform: "web", locale: "pt_PT" },
    location: { city: "Lisbon", country: "PT" },
    metrics: { level: 3.5 },
  },
});
record({ name: "level_up", attributes: { hero: "Ana" }, metrics: { level: 7 } });
record({ name: "_session.start" });
record({ name: "level_up" });
record({ name: "_session.stop" });
flushEvents();
await answered(4);
console.log(JSON.stringify({ answers }));
process.exit(0);
