#!/usr/bin/env bash
# Signs what PyInstaller made, so that Gatekeeper opens it without a warning:
#
#     sign.sh sign BUNDLE        before the list of its files is written, for signing changes them
#     sign.sh notarise BUNDLE    afterwards: Apple looks it over, and an .app keeps the answer
#
# BUNDLE is Fovea.app or a folder of programs. Without the secrets below nothing is done, and that is said:
#
#     FOVEA_APPLE_CERTIFICATE    a Developer ID Application certificate with its key, .p12 in base64
#     FOVEA_APPLE_CERTIFICATE_PASSWORD
#     FOVEA_APPLE_ID, FOVEA_APPLE_TEAM, FOVEA_APPLE_PASSWORD    for notarising; the password is an app-specific one
set -euo pipefail

if [ $# -ne 2 ] || [ ! -d "$2" ]; then
    echo "usage: sign.sh sign|notarise BUNDLE" >&2
    exit 2
fi
wish=$1
bundle=${2%/}
entitlements=$(cd "$(dirname "$0")" && pwd)/entitlements.plist
work=$(mktemp -d)
keychain=$work/fovea.keychain-db
trap 'security delete-keychain "$keychain" 2>/dev/null || true; rm -rf "$work"' EXIT

has() { # every variable named is set
    local name
    for name in "$@"; do
        if [ -z "${!name:-}" ]; then
            echo "sign.sh: $wish: nothing done, for $name is not set: $bundle" >&2
            return 1
        fi
    done
}

open_keychain() { # a keychain that lives only as long as this script; the person's own stay in the search list
    local password
    password=$(uuidgen)
    printf %s "$FOVEA_APPLE_CERTIFICATE" | base64 --decode >"$work/certificate.p12"
    security create-keychain -p "$password" "$keychain"
    security unlock-keychain -p "$password" "$keychain"
    security import "$work/certificate.p12" -k "$keychain" -P "$FOVEA_APPLE_CERTIFICATE_PASSWORD" -T /usr/bin/codesign
    security set-key-partition-list -S apple-tool:,apple: -s -k "$password" "$keychain" >/dev/null
    identity=$(security find-identity -v -p codesigning "$keychain" | awk 'NR == 1 { print $2 }')
    [ -n "$identity" ] || { echo "sign.sh: the certificate cannot sign programs" >&2; exit 1; }
}

put_name_to() { # FILE [OPTION...]
    codesign --force --timestamp --options runtime --keychain "$keychain" --sign "$identity" "${@:2}" "$1"
}

sign_all() { # from the inside out: what is signed includes the signatures in it
    local file
    while IFS= read -r -d '' file; do
        case $(file -b "$file") in
            *Mach-O*executable*) put_name_to "$file" --entitlements "$entitlements" ;;
            *Mach-O*) put_name_to "$file" ;;
        esac
    done < <(find "$bundle" -depth -type f -print0)
    if [[ $bundle == *.app ]]; then
        while IFS= read -r -d '' file; do
            put_name_to "$file"
        done < <(find "$bundle" -depth -type d -name '*.framework' -print0)
        put_name_to "$bundle" --entitlements "$entitlements"
        codesign --verify --deep --strict --verbose=2 "$bundle"
    fi
}

case $wish in
    sign)
        has FOVEA_APPLE_CERTIFICATE FOVEA_APPLE_CERTIFICATE_PASSWORD || exit 0
        open_keychain
        sign_all
        ;;
    notarise)
        has FOVEA_APPLE_ID FOVEA_APPLE_TEAM FOVEA_APPLE_PASSWORD || exit 0
        ditto -c -k --keepParent "$bundle" "$work/fovea.zip"
        xcrun notarytool submit "$work/fovea.zip" --wait --timeout 1h \
            --apple-id "$FOVEA_APPLE_ID" --team-id "$FOVEA_APPLE_TEAM" --password "$FOVEA_APPLE_PASSWORD"
        # Only an .app can hold the answer; for a folder macOS asks Apple when it is first opened.
        if [[ $bundle == *.app ]]; then
            xcrun stapler staple "$bundle"
        fi
        ;;
    *)
        echo "usage: sign.sh sign|notarise BUNDLE" >&2
        exit 2
        ;;
esac
