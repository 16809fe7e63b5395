#pragma once
// Zip archives whose entries are stored as they are: what torch writes. Nothing is unpacked, so nothing can swell.

#include <map>
#include <span>
#include <string>

namespace espalier {

// Names and bytes of every entry. The spans lie in the given bytes.
using ZipEntries = std::map<std::string, std::span<const std::byte>>;

// Reads the central directory (PKWARE APPNOTE 6.3, zip64 too) and checks it against the entries' own headers: names,
// sizes, method; no two entries may overlap or bear one name. A compressed or encrypted entry is Unsupported. Checksums
// are not compared: that would read every byte of a mapped file, and torch can be told to leave them out.
// Throws Format naming `where` and the entry.
ZipEntries read_zip(std::span<const std::byte> bytes, const std::string& where);

}  // namespace espalier
