// What the AWS SDK for JavaScript signs, against a server that asks for credentials.
// Prints one JSON object, which test_javascript_signer.py looks at.
import { createHash, createHmac } from "node:crypto";
import {
  GetEndpointCommand,
  ListTagsForResourceCommand,
  PinpointClient,
  UntagResourceCommand,
  UpdateEndpointCommand,
} from "@aws-sdk/client-pinpoint";
import { SignatureV4 } from "@smithy/signature-v4";

const [url, ApplicationId, key, secret, token] = process.argv.slice(2);
const credentials = { accessKeyId: key, secretAccessKey: secret, sessionToken: token };
const given = { endpoint: url, region: "us-east-1", credentials, maxAttempts: 1 };
const client = new PinpointClient(given);
const seen = { endpoints: {} };

for (const EndpointId of ["us east/1 é☃", "a+b@c,(d)'*!~&=:;", "%2F%25", "x..y"]) {
  const place = { ApplicationId, EndpointId };
  await client.send(
    new UpdateEndpointCommand({ ...place, EndpointRequest: { ChannelType: "EMAIL", Address: "ü" } }),
  );
  const found = await client.send(new GetEndpointCommand(place));
  seen.endpoints[EndpointId] = found.EndpointResponse.Id;
}

const ResourceArn = `arn:aws:mobiletargeting:us-east-1:000000000000:apps/${ApplicationId}`;
await client.send(new UntagResourceCommand({ ResourceArn, TagKeys: ["c+d", "a b", "é~*'()!"] }));
seen.tags = (await client.send(new ListTagsForResourceCommand({ ResourceArn }))).TagsModel.tags;

const place = { ApplicationId, EndpointId: "x..y" };
const name = (error) => error.name;
const stranger = new PinpointClient({
  ...given,
  credentials: { ...credentials, secretAccessKey: "another-secret" },
});
seen.stranger = await stranger.send(new GetEndpointCommand(place)).catch(name);

// A clock that is an hour ahead: the first answer's date corrects it.
const early = new PinpointClient({ ...given, systemClockOffset: 3600 * 1000 });
seen.early = await early.send(new GetEndpointCommand(place)).catch(name);
seen.corrected = (await early.send(new GetEndpointCommand(place))).EndpointResponse.Id;

// Presigned, with a body, as a page's beacon.
class Sha256 {
  constructor(secret) {
    this.hash = secret ? createHmac("sha256", secret) : createHash("sha256");
  }
  update(data) {
    this.hash.update(data);
  }
  async digest() {
    return this.hash.digest();
  }
}
const signer = new SignatureV4({
  credentials,
  region: "us-east-1",
  service: "mobiletargeting",
  sha256: Sha256,
});
const { hostname, port, host } = new URL(url);
const body = JSON.stringify({
  BatchItem: {
    "x..y": { Endpoint: {}, Events: { e: { EventType: "bye", Timestamp: new Date().toISOString() } } },
  },
});
const presigned = await signer.presign(
  {
    method: "POST",
    protocol: "http:",
    hostname,
    port: Number(port),
    path: `/v1/apps/${ApplicationId}/events/legacy`,
    headers: { host },
    query: {},
    body,
  },
  { expiresIn: 60 },
);
const query = new URLSearchParams(presigned.query).toString();
const beacon = await fetch(`${url}${presigned.path}?${query}`, { method: "POST", body });
seen.beacon = beacon.status;

console.log(JSON.stringify(seen));
