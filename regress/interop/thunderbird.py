#!/usr/bin/env python3
"""Thunderbird as its user: over Marionette, its own remote control.

usage: thunderbird.py SERVER.JSON PROFILE-DIRECTORY DELIVER-COMMAND
"""
import base64
import json
import os
import re
import socket
import subprocess
import sys
import time

server = json.load(open(sys.argv[1]))
profile = sys.argv[2]
deliver = sys.argv[3]
USER = "user0001@" + server["domain"]
START_SECONDS = 90
STEP_SECONDS = 60

PREFS = {
    "mail.accountmanager.accounts": "account1",
    "mail.accountmanager.defaultaccount": "account1",
    "mail.account.account1.server": "server1",
    "mail.account.account1.identities": "id1",
    "mail.identity.id1.useremail": USER,
    "mail.identity.id1.fullName": "User One",
    "mail.identity.id1.valid": True,
    "mail.server.server1.type": "imap",
    "mail.server.server1.hostname": "localhost",
    "mail.server.server1.port": server["imaps_port"],
    "mail.server.server1.socketType": 3,
    "mail.server.server1.userName": USER,
    "mail.server.server1.name": "suite",
    "mail.server.server1.login_at_startup": False,
    "mail.server.server1.authMethod": 3,
    "mail.server.server1.directory-rel": "[ProfD]ImapMail/localhost",
    "mail.root.imap-rel": "[ProfD]ImapMail",
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.rights.version": 1,
    "mailnews.start_page.enabled": False,
    "app.update.enabled": False,
    "app.donation.eoy.version.viewed": 99,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    "network.manage-offline-status": False,
    "offline.startup_state": 2,
    "marionette.port": 0,
}

# What every step may use; a step ends by done(VALUE).
TOOLS = """
const [args, done] = [arguments[0], arguments[arguments.length - 1]];
const { MailServices } = ChromeUtils.importESModule(
    "resource:///modules/MailServices.sys.mjs");
const account = MailServices.accounts.accounts.find(
    (a) => a.incomingServer.type == "imap");
const imap = account.incomingServer;
const root = imap.rootFolder;
const wait = (ms) => new Promise((r) => setTimeout(r, ms));
async function until(what, f) {
	for (let i = 0; i < 300; i++) {
		const x = await f();
		if (x)
			return x;
		await wait(100);
	}
	throw new Error("never: " + what + "; there are " +
	    root.subFolders.map((f) => f.name));
}
function url(start) {
	return new Promise((resolve, reject) => start({
		QueryInterface: ChromeUtils.generateQI(["nsIUrlListener"]),
		OnStartRunningUrl() {},
		OnStopRunningUrl(u, status) {
			if (Components.isSuccessCode(status))
				resolve();
			else
				reject(new Error("status " + status));
		},
	}));
}
const folder = (name) => root.subFolders.find(
    (f) => f.name.toLowerCase() == name.toLowerCase());
const messages = (f) => [...f.messages];
// A folder tells the listener that it was given last, which may be none of
// ours: Thunderbird looks at a folder by itself after it has put mail there.
const update = (f) => Promise.race([wait(3000), url((l) =>
    f.QueryInterface(Ci.nsIMsgImapMailFolder)
    .updateFolderWithListener(null, l))]);
const step = async () => {
"""
ENDING = """
};
step().then((x) => done({ ok: x === undefined ? true : x }),
    (e) => done({ error: String(e) + " " + (e && e.stack) }));
"""

STEPS = [
    ("believes the certificate and the password", """
	const db = Cc["@mozilla.org/security/x509certdb;1"].getService(
	    Ci.nsIX509CertDB);
	Cc["@mozilla.org/security/certoverride;1"].getService(
	    Ci.nsICertOverrideService).rememberValidityOverride("localhost",
	    args.port, {}, db.constructX509FromBase64(args.cert), true);
	const info = Cc["@mozilla.org/login-manager/loginInfo;1"]
	    .createInstance(Ci.nsILoginInfo);
	info.init("imap://localhost", null, "imap://localhost", args.user,
	    args.password, "", "");
	await Services.logins.addLoginAsync(info);
"""),
    ("lists the mailboxes", """
	if (Services.io.offline)
		throw new Error("it thinks that it is offline");
	await url((l) => MailServices.imap.discoverAllFolders(root, l, null));
	await until("folders", () => folder("Sent") && folder("Trash") &&
	    folder("Archive") && folder("INBOX"));
	return root.subFolders.map((f) => f.name).sort();
"""),
    ("syncs INBOX", """
	await update(folder("INBOX"));
	await until("three messages", () =>
	    messages(folder("INBOX")).length == 3);
	return messages(folder("INBOX")).map((m) => m.mime2DecodedSubject)
	    .sort();
"""),
    ("reads a message and its parts", """
	const hdr = messages(folder("INBOX")).find((m) =>
	    m.subject.includes("parts"));
	const { MsgHdrToMimeMessage } = ChromeUtils.importESModule(
	    "resource:///modules/gloda/MimeMessage.sys.mjs");
	const mime = await new Promise((r) => MsgHdrToMimeMessage(hdr, null,
	    (h, m) => r(m), true));
	if (!mime || mime.allUserAttachments.length != 1)
		throw new Error("no attachment");
	return [mime.allUserAttachments[0].name,
	    mime.coerceBodyToPlaintext(folder("INBOX")).trim()];
"""),
    ("flags", """
	const f = folder("INBOX");
	f.markMessagesRead(messages(f), true);
	f.markMessagesFlagged([messages(f)[0]], true);
	await wait(500);
	await update(f);
	return messages(f).filter((m) => m.isFlagged).length;
"""),
    ("searches at the server", """
	const f = folder("INBOX");
	const session = Cc["@mozilla.org/messenger/searchSession;1"]
	    .createInstance(Ci.nsIMsgSearchSession);
	const term = session.createTerm();
	const value = term.value;
	value.attrib = Ci.nsMsgSearchAttrib.Body;
	value.str = "needle";
	term.value = value;
	term.attrib = Ci.nsMsgSearchAttrib.Body;
	term.op = Ci.nsMsgSearchOp.Contains;
	session.appendTerm(term);
	session.addScopeTerm(Ci.nsMsgSearchScope.onlineMail, f);
	const hits = [];
	await new Promise((r) => {
		session.registerListener({
			onSearchHit(h) { hits.push(h.mime2DecodedSubject); },
			onSearchDone() { r(); },
			onNewSearch() {},
		}, Ci.nsIMsgSearchSession.allNotifications);
		session.search(null);
	});
	return hits;
"""),
    ("moves to Archive", """
	const f = folder("INBOX");
	const hdr = messages(f).find((m) => m.subject == "second");
	MailServices.copy.copyMessages(f, [hdr], folder("Archive"), true, null,
	    null, false);
	await until("two left", () => messages(f).length == 2);
	await until("one there", async () => {
		await update(folder("Archive"));
		return messages(folder("Archive")).length == 1;
	});
"""),
    ("deletes to Trash", """
	const f = folder("INBOX");
	const hdr = messages(f).find((m) => m.subject == "first");
	f.deleteMessages([hdr], null, false, true, null, false);
	await until("one left", () => messages(f).length == 1);
	await until("one there", async () => {
		await update(folder("Trash"));
		return messages(folder("Trash")).length == 1;
	});
"""),
    ("appends to Sent", """
	const file = Cc["@mozilla.org/file/local;1"].createInstance(
	    Ci.nsIFile);
	file.initWithPath(args.file);
	MailServices.copy.copyFileMessage(file, folder("Sent"), null, false,
	    Ci.nsMsgMessageFlags.Read, "", null, null);
	await until("one there", async () => {
		await update(folder("Sent"));
		return messages(folder("Sent")).length == 1;
	});
"""),
    ("makes a mailbox", """
	root.createSubfolder("Größe", null);
	await until("it is there", () => folder("Größe"));
"""),
    ("hears of new mail by IDLE", None),
]


class Marionette:
    def __init__(self, port):
        self.s = socket.create_connection(("127.0.0.1", port),
                                          2 * STEP_SECONDS)
        self.buf = b""
        self.id = 0
        self.packet()
        self.call("WebDriver:NewSession", {})
        self.call("WebDriver:SetTimeouts", {"script": STEP_SECONDS * 1000})
        self.call("Marionette:SetContext", {"value": "chrome"})

    def packet(self):
        while True:
            m = re.match(rb"(\d+):", self.buf)
            if m and len(self.buf) >= m.end() + int(m.group(1)):
                end = m.end() + int(m.group(1))
                data, self.buf = self.buf[m.end():end], self.buf[end:]
                return json.loads(data)
            more = self.s.recv(65536)
            if not more:
                sys.exit("Thunderbird has gone")
            self.buf += more

    def call(self, name, params):
        self.id += 1
        data = json.dumps([0, self.id, name, params]).encode()
        self.s.sendall(b"%d:%s" % (len(data), data))
        _, _, error, result = self.packet()
        if error:
            sys.exit("%s: %s" % (name, error))
        return result

    def step(self, script, args):
        result = self.call("WebDriver:ExecuteAsyncScript", {
            "script": TOOLS + script + ENDING, "args": [args],
            "sandbox": "system", "newSandbox": True})
        value = result["value"]
        if "error" in value:
            sys.exit(value["error"])
        return value["ok"]


def start():
    os.makedirs(profile, exist_ok=True)
    with open(os.path.join(profile, "user.js"), "w") as f:
        for key, value in PREFS.items():
            f.write("user_pref(%s, %s);\n" % (json.dumps(key),
                                              json.dumps(value)))
    log = open(os.path.join(profile, "log"), "w")
    program = subprocess.Popen(
        ["thunderbird", "--headless", "--marionette",
         "--remote-allow-system-access", "--no-remote", "--profile",
         profile], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        start_new_session=True)
    port_file = os.path.join(profile, "MarionetteActivePort")
    end = time.time() + START_SECONDS
    while time.time() < end and program.poll() is None:
        if os.path.exists(port_file):
            port = open(port_file).read().strip()
            if port:
                return program, int(port)
        time.sleep(0.2)
    stop(program)
    print(open(os.path.join(profile, "log")).read()[-2000:])
    sys.exit("Thunderbird cannot be driven here")


def stop(program):
    if program.poll() is None:
        os.killpg(program.pid, 15)
        try:
            program.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(program.pid, 9)
            program.wait()


def main():
    message = os.path.join(profile, "sent.eml")
    program, port = start()
    try:
        m = Marionette(port)
        with open(message, "w") as f:
            f.write("From: %s\r\nTo: a@example.net\r\nSubject: sent\r\n"
                    "Message-ID: <sent@bird.test>\r\n\r\nSent.\r\n" % USER)
        pem = open(server["cafile"]).read()
        args = {"port": server["imaps_port"], "user": USER,
                "password": server["password"], "file": message,
                "cert": "".join(re.search(
                    r"-----BEGIN CERTIFICATE-----(.*?)-----END", pem,
                    re.S).group(1).split())}
        for name, script in STEPS:
            if script is None:
                m.step("await update(folder('INBOX')); await wait(1500);",
                       args)
                subprocess.run(deliver, shell=True, check=True,
                               input=b"From: dave@example.net\n"
                               b"Subject: fourth\n\nx\n")
                script = """
	await until("it is noticed", () => messages(folder("INBOX")).some(
	    (h) => h.subject == "fourth"));
"""
            print("%s: %s" % (name, json.dumps(m.step(script, args),
                                               ensure_ascii=False)),
                  flush=True)
        print("done")
    finally:
        stop(program)


main()
