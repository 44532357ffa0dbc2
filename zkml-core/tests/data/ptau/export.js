// usage: node export.js PREPARED.ptau > expected.json
// Reads a prepared .ptau with snarkjs's own libraries and prints points as decimal coordinates.
const { getCurveFromName } = require("ffjavascript");
const fs = require("fs");

async function main() {
  const file = fs.readFileSync(process.argv[2]);
  const sections = {};
  for (let at = 12; at < file.length; ) {
    const kind = file.readUInt32LE(at);
    const length = Number(file.readBigUInt64LE(at + 4));
    sections[kind] = file.subarray(at + 12, at + 12 + length);
    at += 12 + length;
  }
  const power = sections[1].readUInt32LE(36);
  const curve = await getCurveFromName("bn128");
  const read = (group, section, index) => {
    const size = group.F.n8 * 2;
    const bytes = new Uint8Array(section.subarray(index * size, (index + 1) * size));
    return group.toObject(group.fromRprLEM(bytes, 0)).slice(0, 2);
  };
  const range = (count, point) => Array.from({ length: count }, (_, index) => point(index));
  const n = 2 ** power;
  const expected = {
    power,
    tauG1: range(2 * n - 1, (i) => read(curve.G1, sections[2], i)),
    tauG2: range(n, (i) => read(curve.G2, sections[3], i)),
    // Section 12 holds the Lagrange bases of the sizes 1, 2, 4, ..., n one after another.
    lagrange: range(n, (i) => read(curve.G1, sections[12], n - 1 + i)),
  };
  const text = (_, value) => (typeof value === "bigint" ? value.toString() : value);
  console.log(JSON.stringify(expected, text, 1));
  await curve.terminate();
}

main();
