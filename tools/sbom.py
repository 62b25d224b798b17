"""Writes the list of all parts of the program (SBOM) as CycloneDX 1.5 JSON, from Cargo.lock.

Usage: sbom.py OUT.json. Only what is linked into the program: no tools for tests or benchmarks. The
same bytes for the same Cargo.lock.
"""

import json
import subprocess
import sys
import tomllib


def metadata():
    command = ["cargo", "metadata", "--locked", "--format-version", "1",
               "--filter-platform", "aarch64-unknown-linux-gnu",
               "--filter-platform", "armv7-unknown-linux-gnueabihf",
               "--filter-platform", "x86_64-unknown-linux-gnu"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def linked(data):
    """Identifiers of all packages that normal dependencies of ours lead to."""
    nodes = {node["id"]: node for node in data["resolve"]["nodes"]}
    todo, seen = [data["resolve"]["root"]], set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        for dependency in nodes[name]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                todo.append(dependency["pkg"])
    return seen


def checksums():
    with open("Cargo.lock", "rb") as file:
        locked = tomllib.load(file)["package"]
    return {(package["name"], package["version"]): package.get("checksum") for package in locked}


def component(package, sums):
    purl = f"pkg:cargo/{package['name']}@{package['version']}"
    found = {
        "type": "library",
        "bom-ref": purl,
        "name": package["name"],
        "version": package["version"],
        "purl": purl,
    }
    if package["license"]:
        # Some old crates write "MIT/Apache-2.0".
        found["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    checksum = sums.get((package["name"], package["version"]))
    if checksum:
        found["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return found


def main():
    data = metadata()
    wanted = linked(data)
    sums = checksums()
    root = data["resolve"]["root"]
    packages = sorted((p for p in data["packages"] if p["id"] in wanted),
                      key=lambda p: (p["name"], p["version"]))
    ours = next(p for p in packages if p["id"] == root)
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {**component(ours, sums), "type": "application"}},
        "components": [component(p, sums) for p in packages if p["id"] != root],
    }
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(bom, file, indent=1, ensure_ascii=False)
        file.write("\n")
    print(f"{len(bom['components'])} parts")


if __name__ == "__main__":
    main()
