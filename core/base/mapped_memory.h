#pragma once
// Files that are mapped into memory while another program may shorten them. Reading behind the new end raises SIGBUS,
// which would end this program; here such reads give zeros instead, and the loss is told afterwards.

#include <cstddef>
#include <memory>
#include <string>

namespace espalier {

// A read-only private mapping of `size` > 0 bytes of an open file; unmapped with the last copy of the pointer. Null
// when the system refuses it (errno says why). `name` is what an error calls the file.
std::shared_ptr<const void> map_memory(int descriptor, size_t size, const std::string& name);

// Takes the pages of one of these mappings that lie wholly in [address, address + size) out of this process's memory;
// the next read brings them back from the file. Other memory is left alone. For what was read once and will hardly be
// again.
void release_mapped_pages(const void* address, size_t size);

// Throws Io naming the files that were shortened while they were mapped, each of them once. Call when a piece of work
// is done, before its result is believed. Any thread may call it.
void require_mapped_files_whole();

}  // namespace espalier
