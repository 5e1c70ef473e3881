// The suite as ImapFlow sees it.
// usage: node imapflow_client.js SERVER.JSON MODULES-DIR
"use strict";

const fs = require("fs");
const path = require("path");
const assert = require("assert");

const server = JSON.parse(fs.readFileSync(process.argv[2]));
const { ImapFlow } = require(path.join(process.argv[3], "imapflow"));

function connect(extra) {
	return new ImapFlow(Object.assign({
		host: "localhost",
		port: server.imaps_port,
		secure: true,
		tls: { ca: fs.readFileSync(server.cafile) },
		auth: { user: "user0001@" + server.domain,
		    pass: server.password },
		logger: false,
	}, extra));
}

const PARTS = ["From: Alice <alice@example.net>",
	"To: user0001@" + server.domain,
	"Subject: =?utf-8?q?parts_=E2=82=AC?=",
	"Message-ID: <parts@flow.test>",
	"MIME-Version: 1.0",
	"Content-Type: multipart/mixed; boundary=b", "",
	"--b", "Content-Type: text/plain; charset=utf-8",
	"Content-Transfer-Encoding: quoted-printable", "",
	"gr=C3=BC=C3=9Fe",
	"--b", "Content-Type: application/octet-stream; name=a.bin",
	"Content-Disposition: attachment; filename=a.bin",
	"Content-Transfer-Encoding: base64", "",
	Buffer.from("attached octets").toString("base64"),
	"--b--", ""].join("\r\n");

function small(n) {
	return Buffer.from("Subject: number " + n +
	    "\r\nMessage-ID: <" + n + "@flow.test>\r\n\r\nBody " + n +
	    ".\r\n");
}

async function text(stream) {
	const parts = [];

	for await (const part of stream)
		parts.push(part);
	return Buffer.concat(parts).toString();
}

async function boxes(c) {
	const list = await c.list({ statusQuery: { messages: true } });
	const use = {};

	for (const box of list)
		use[box.specialUse || box.path] = box.path;
	for (const name of ["\\Sent", "\\Trash", "\\Drafts", "\\Junk",
	    "\\Archive"])
		assert(use[name], name);
	assert(list.every((box) => box.status.messages === 0));
	await c.mailboxCreate(["Work", "Größe & mehr"]);
	assert((await c.list()).some((b) => b.path === "Work/Größe & mehr"));
	await c.mailboxRename("Work/Größe & mehr", "Work/done");
	await c.mailboxSubscribe("Work/done");
	assert((await c.list()).find((b) => b.path === "Work/done").subscribed);
	return use;
}

async function messages(c, use) {
	let m;

	for (let i = 1; i <= 9; i++)
		assert((await c.append("INBOX", small(i), ["\\Seen"])).uid > 0);
	await c.append("INBOX", PARTS, [], new Date("2026-01-02T03:04:05Z"));
	await c.append(use["\\Sent"], small(100), ["\\Seen"]);
	await c.mailboxOpen("INBOX");
	assert.strictEqual(c.mailbox.exists, 10);
	m = await c.fetchOne("10", { uid: true, flags: true, envelope: true,
	    bodyStructure: true, internalDate: true, size: true,
	    headers: ["subject"], source: true });
	assert.strictEqual(m.envelope.subject, "parts €");
	assert.strictEqual(m.envelope.from[0].name, "Alice");
	assert.strictEqual(m.size, PARTS.length);
	assert.strictEqual(m.source.toString(), PARTS);
	assert.strictEqual(m.internalDate.toISOString(),
	    "2026-01-02T03:04:05.000Z");
	assert.strictEqual(m.bodyStructure.childNodes.length, 2);
	assert.strictEqual(m.bodyStructure.childNodes[1].dispositionParameters
	    .filename, "a.bin");
	assert.strictEqual((await text((await c.download("10", "1")).content))
	    .trim(), "grüße");
	assert.strictEqual(await text((await c.download("10", "2")).content),
	    "attached octets");
}

async function changes(c, use) {
	let moved;

	assert.deepStrictEqual(await c.search({ subject: "number 3" }), [3]);
	assert.deepStrictEqual(await c.search({ body: "Body 4", seen: true }),
	    [4]);
	assert.deepStrictEqual(await c.search({ seen: false }), [10]);
	assert.deepStrictEqual(await c.search({
	    or: [{ subject: "number 1" }, { from: "alice" }] }), [1, 10]);
	assert(await c.messageFlagsAdd("1:2", ["\\Flagged", "Later"]));
	assert((await c.fetchOne("2", { flags: true })).flags.has("Later"));
	assert(await c.messageFlagsRemove("2", ["\\Flagged"]));
	assert(!(await c.fetchOne("2", { flags: true })).flags.has("\\Flagged"));
	moved = await c.messageMove("1:3", use["\\Archive"]);
	assert.strictEqual(moved.uidMap.size, 3);
	moved = await c.messageCopy("1", "Work/done");
	assert.strictEqual(moved.uidMap.size, 1);
	assert(await c.messageDelete("1:2"));
	assert.strictEqual((await c.status("INBOX", { messages: true }))
	    .messages, 5);
	assert.strictEqual((await c.status(use["\\Archive"],
	    { messages: true, unseen: true, uidNext: true })).messages, 3);
	await c.mailboxDelete("Work/done");
}

// Another session's message is noticed while this one idles.
async function idles(c) {
	const other = connect();
	const seen = new Promise((resolve, reject) => {
		const late = setTimeout(() => reject(new Error("no EXISTS")),
		    20000);
		c.on("exists", (data) => {
			clearTimeout(late);
			resolve(data.count);
		});
	});
	const idle = c.idle();

	await other.connect();
	await other.append("INBOX", small(200));
	assert.strictEqual(await seen, 6);
	await other.logout();
	await c.noop();
	await idle;
}

async function main() {
	const bad = connect({ auth: { user: "user0001@" + server.domain,
	    pass: "wrong" } });
	const c = connect();
	let use;

	await assert.rejects(() => bad.connect(),
	    (e) => e.authenticationFailed === true);
	bad.close();
	await c.connect();
	use = await boxes(c);
	await messages(c, use);
	await changes(c, use);
	await idles(c);
	await c.logout();
	console.log("done");
}

main().catch((e) => {
	console.error(e);
	process.exit(1);
});
