// What a JavaScript program does with the AWS SDK: it only knows the endpoint's URL.
// Prints one JSON object, which test_javascript.py looks at.
import {
  CreateAppCommand,
  GetApplicationDateRangeKpiCommand,
  GetEndpointCommand,
  PinpointClient,
  PutEventsCommand,
  UpdateEndpointCommand,
} from "@aws-sdk/client-pinpoint";

const client = new PinpointClient({
  endpoint: process.argv[2],
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
  maxAttempts: 1,
});

// Which headers the SDK sends, so that the preflight below asks for them, as a browser does.
const sent = new Set();
client.middlewareStack.add(
  (next) => (args) => {
    Object.keys(args.request.headers).forEach((name) => sent.add(name.toLowerCase()));
    return next(args);
  },
  { step: "finalizeRequest", priority: "low" },
);

const created = await client.send(
  new CreateAppCommand({ CreateApplicationRequest: { Name: "javascript" } }),
);
const ApplicationId = created.ApplicationResponse.Id;
const EndpointId = "us east/1 é";

const updated = await client.send(
  new UpdateEndpointCommand({
    ApplicationId,
    EndpointId,
    EndpointRequest: {
      ChannelType: "EMAIL",
      Address: "customer@example.com",
      Attributes: { interests: ["music"] },
      Metrics: { level: 3.5 },
      User: { UserId: "u:1/2" },
    },
  }),
);
const events = await client.send(
  new PutEventsCommand({
    ApplicationId,
    EventsRequest: {
      BatchItem: {
        [EndpointId]: {
          Endpoint: {},
          Events: {
            good: { EventType: "_session.start", Timestamp: new Date().toISOString() },
            bad: { EventType: "level_up", Timestamp: "yesterday" },
          },
        },
      },
    },
  }),
);
const kpi = await client.send(
  new GetApplicationDateRangeKpiCommand({
    ApplicationId,
    KpiName: "events-grouped-by-type",
    StartTime: new Date(Date.now() - 86_400_000),
    EndTime: new Date(),
  }),
);
const found = await client.send(new GetEndpointCommand({ ApplicationId, EndpointId }));

let refused;
try {
  await client.send(new GetEndpointCommand({ ApplicationId, EndpointId: "nobody" }));
} catch (error) {
  refused = {
    name: error.name,
    status: error.$metadata.httpStatusCode,
    message: error.message,
    requestIds: [error.RequestID, error.$metadata.requestId],
  };
}

// A browser asks first, with the origin of its page, and keeps to the answer.
const set = ["host", "content-length", "origin", "connection"]; // by the browser itself
const wanted = [...sent].filter((name) => !set.includes(name));
const preflight = await fetch(`${process.argv[2]}/v1/apps/${ApplicationId}/events`, {
  method: "OPTIONS",
  headers: {
    origin: "http://localhost:3000",
    "access-control-request-method": "POST",
    "access-control-request-headers": wanted.join(","),
  },
});
const listed = (name) => (preflight.headers.get(name) ?? "").toLowerCase().split(/\s*,\s*/);
const allowed = listed("access-control-allow-headers");
const isAllowed = (name) =>
  allowed.includes(name) || (allowed.includes("*") && name !== "authorization");

console.log(
  JSON.stringify({
    updated: { status: updated.$metadata.httpStatusCode, ...updated.MessageBody },
    results: events.EventsResponse.Results[EndpointId],
    endpoint: found.EndpointResponse,
    kpi: kpi.ApplicationDateRangeKpiResponse.KpiResult.Rows,
    refused,
    preflight: {
      ok: preflight.ok,
      origin: preflight.headers.get("access-control-allow-origin"),
      methods: listed("access-control-allow-methods"),
      headers: wanted,
      refusedHeaders: wanted.filter((name) => !isAllowed(name)),
    },
  }),
);
