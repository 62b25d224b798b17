#!/bin/sh
# Puts a release together in target/release-VERSION: packages that are there, the source, checksums,
# the list of all parts (SBOM), and this version's section of the changelog.
#
# ONLY  architectures that are enough, in Debian's names (amd64 arm64 armhf)
set -eu

cd "$(dirname "$0")/.."
. tools/lib.sh
PATH="$PATH:$HOME/.cargo/bin:$PWD/target/tools/bin"

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
out=target/release-$version
[ -z "$(git status --porcelain)" ] || warn "the working tree has changes that no commit has"

rm -rf "$out"
mkdir -p "$out"
for package in target/debian/habituate_"$version"*.deb; do
    [ -e "$package" ] || continue
    # Packages of other processors are not made again by `make release`.
    [ "$(stat -c %Y "$package")" -ge "$(git log -1 --format=%ct)" ] ||
        fail "$package is older than the newest commit; make it again or remove it"
    cp "$package" "$out/"
done
for architecture in ${ONLY:-amd64 arm64 armhf}; do
    set -- "$out/habituate_$version"*"_$architecture.deb"
    [ -e "$1" ] || fail "no package of version $version for $architecture in target/debian: make deb for this machine, \
cross/build.sh TARGET && packaging/build-deb.sh TARGET for others; ONLY=\"$architecture …\" for fewer"
done
git archive --prefix="habituate-$version/" HEAD | gzip -9n >"$out/habituate-$version.tar.gz"
python3 tools/sbom.py "$out/habituate-$version.cdx.json"
awk -v version="$version" '
    /^## / { inside = index($0, "## " version) == 1 || (!seen && $2 == "Unreleased"); seen = seen || inside }
    inside { print }' CHANGELOG.md >"$out/CHANGES.md"
[ -s "$out/CHANGES.md" ] || fail "CHANGELOG.md says nothing about $version"
(cd "$out" && sha256sum -- * >SHA256SUMS)
say "$out:"
cat "$out/SHA256SUMS"
