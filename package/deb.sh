#!/bin/sh
# SPDX-License-Identifier: MIT
# deb.sh VERSION - builds the Debian package from what `make install` installs, into build/deb.
#
# DEB_REVISION is what stands behind the dash; by default 1~deb12 on Debian 12, so that the package
# for the next Debian replaces it when the machine is upgraded.
set -eu

version=$1
# shellcheck disable=SC1091 # the system's
revision=${DEB_REVISION:-1~deb$(. /etc/os-release && echo "${VERSION_ID:-0}")}
cd "$(dirname "$0")/.."
tree=build/deb/ctfg

rm -rf build/deb
mkdir -p $tree
cp -r package/debian $tree/debian
package/changelog.sh "$version" "$revision" >$tree/debian/changelog
"${MAKE:-make}" --no-print-directory install DESTDIR="$PWD/$tree/root" PREFIX=/usr >/dev/null
# What has to be installed is what package/deps looks for: nodejs, say, need not be a package.
(cd $tree && dpkg-buildpackage --build=binary --no-sign --no-check-builddeps) >build/deb/log 2>&1 || {
    cat build/deb/log >&2
    exit 1
}
rm -r $tree
ls build/deb/*.deb
