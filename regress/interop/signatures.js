// What mailauth says of the DKIM signatures of each file, by those of
// one.example.  usage: node signatures.js NODE_MODULES FILE ...
const fs = require("fs");
const { dkimVerify } = require(process.argv[2] +
    "/mailauth/lib/dkim/verify");
async function main() {
	for (const name of process.argv.slice(3)) {
		const got = await dkimVerify(fs.readFileSync(name));
		const ours = got.results.filter(r =>
		    r.signingDomain === "one.example");
		console.log(name, ...ours.map(r =>
		    r.algo + ":" + r.status.result));
	}
}
main().catch(e => { console.error(e); process.exit(1); });
