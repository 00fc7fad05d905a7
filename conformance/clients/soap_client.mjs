// soap (npm), unmodified: loads the WSDL, calls with typed headers, reads answers and faults.

import { readFileSync } from "node:fs";
import { randomUUID } from "node:crypto";
import assert from "node:assert/strict";
import soap from "soap";

const endpoints = JSON.parse(readFileSync(process.env.KARVAN_ENDPOINTS, "utf8"));
const BASIS_FAULT = "server.clientproxy.basis.";
const PARTS = ["xRoadInstance", "memberClass", "memberCode", "subsystemCode"];
let failed = 0;

async function check(name, run) {
  try {
    await run();
    console.log(`ok soap: ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`not ok soap: ${name}: ${String(error.message).split("\n").join(" ")}`);
  }
}

function identifier(values, extra, objectType) {
  const entries = [...PARTS.map((part, at) => [part, values[at]]), ...extra];
  const children = entries.map(([part, value]) => [`id:${part}`, value]);
  return { attributes: { "id:objectType": objectType }, ...Object.fromEntries(children) };
}

function basisBlock(purpose) {
  return { "k:basis": { attributes: { "xmlns:k": "urn:karvan:basis:1" }, "k:purpose": purpose } };
}

async function call(code, parameters, messageId = randomUUID(), block = {}) {
  const described = endpoints.services[code];
  const client = await soap.createClientAsync(described.wsdl, { endpoint: described.soap });
  const service = [["serviceCode", code], ["serviceVersion", described.version]];
  // The prefixes are the WSDL's own: this client declares them in every envelope.
  const header = {
    "xrd:client": identifier(endpoints.client.split("/"), [], "SUBSYSTEM"),
    "xrd:service": identifier(described.provider.split("/"), service, "SERVICE"),
    "xrd:userId": "AZ0000001",
    "xrd:id": messageId,
    "xrd:issue": "VM-2026-000001",
    "xrd:protocolVersion": "4.0",
    ...block,
  };
  client.addSoapHeader(header);
  const [result, , soapHeader] = await client[`${code}Async`](parameters);
  return { result, header: soapHeader };
}

async function faultOf(promise) {
  try {
    await promise;
  } catch (error) {
    return error.root?.Envelope?.Body?.Fault?.faultcode;
  }
  assert.fail("no fault");
}

await check("gets a person by fin", async () => {
  const messageId = randomUUID();
  const { result, header } = await call("GetPersonByFin", { fin: "0TEST01" }, messageId);
  assert.equal(result.surname, "Məmmədov");
  assert.equal(result.patronymic, "İsa oğlu");
  assert.equal(header.id, messageId);
  assert.equal(header.userId, "AZ0000001");
});

await check("gets a family", async () => {
  const { result } = await call("GetFamily", { fin: "0TEST01" });
  assert.deepEqual(result.relative.map((one) => one.fin), ["0TEST02", "0TEST03", "0TEST04"]);
});

await check("registers a contract once for a repeated message", async () => {
  const messageId = randomUUID();
  const contract = {
    fin: "0TEST09",
    employer_voen: "0000001461",
    employer_name: "\"Nümunə Tikinti\" MMC",
    position: `Mühasib ${messageId}`,
    start_date: "2026-02-02",
    monthly_salary: "800.00",
  };
  const first = await call("RegisterLabourContract", contract, messageId);
  const again = await call("RegisterLabourContract", contract, messageId);
  assert.ok(first.result.number > 0);
  assert.equal(again.result.number, first.result.number);
});

await check("gets a fault for an unknown person", async () => {
  assert.equal(await faultOf(call("GetPersonByFin", { fin: "0TEST99" })), "Client.NotFound");
});

await check("gets a fault for a malformed fin", async () => {
  // Where the rules say that the service is about persons, the caller's node sees it first.
  const expected = endpoints.through_nodes ? `${BASIS_FAULT}person_malformed` : "Client.InvalidFin";
  assert.equal(await faultOf(call("GetPersonByFin", { fin: "0TESTI1" })), expected);
});

if (endpoints.legal) {
  await check("states its purpose in a header block", async () => {
    const basis = basisBlock(endpoints.legal.callers.portal.purpose);
    const { result } = await call("GetPersonByFin", { fin: "0TEST01" }, randomUUID(), basis);
    assert.equal(result.surname, "Məmmədov");
  });

  await check("gets a fault for an unknown purpose", async () => {
    const asked = call("GetPersonByFin", { fin: "0TEST01" }, randomUUID(), basisBlock("curiosity"));
    assert.equal(await faultOf(asked), `${BASIS_FAULT}purpose_not_declared`);
  });
}

process.exit(failed === 0 ? 0 : 1);
