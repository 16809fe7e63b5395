#include "formats/tar.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "formats/atomic_file.h"

namespace espalier {
namespace {

constexpr size_t kBlock = 512;
// Long names stand in files of their own before the file that they name.
constexpr int64_t kMaxNameBytes = 1 << 16;

// Where the fields of a header stand (POSIX ustar).
struct Field {
  size_t at, size;
};
constexpr Field kName{0, 100}, kSize{124, 12}, kChecksum{148, 8}, kType{156, 1}, kMagic{257, 5}, kPrefix{345, 155};

[[noreturn]] void refuse(const std::filesystem::path& archive, const std::string& what, const std::string& got = {}) {
  throw Error(ErrorKind::Format, {.what = what, .where = archive.string(), .got = got});
}

// The inflated bytes of a gzip file, read from the front to the back.
class GzipStream {
 public:
  GzipStream(const std::filesystem::path& archive, int64_t most)
      : archive_(archive), file_(map_file(archive)), left_(most) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(file_.bytes.data()));
    unread_ = file_.bytes.size();
    // 15 bits of window, and 16 for the gzip wrapper.
    if (inflateInit2(&stream_, 15 + 16) != Z_OK) throw std::bad_alloc();
  }
  ~GzipStream() { inflateEnd(&stream_); }
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  // Fills `out` as far as the stream goes; the bytes written.
  size_t read(char* out, size_t size) {
    size_t done = 0;
    while (done < size && !ended_) {
      stream_.avail_in = static_cast<uInt>(std::min<size_t>(unread_, size_t{1} << 30));
      stream_.avail_out = static_cast<uInt>(std::min<size_t>(size - done, size_t{1} << 30));
      stream_.next_out = reinterpret_cast<Bytef*>(out + done);
      const uInt in = stream_.avail_in, room = stream_.avail_out;
      const int result = inflate(&stream_, Z_NO_FLUSH);
      const uInt made = room - stream_.avail_out;
      unread_ -= in - stream_.avail_in;
      done += made;
      left_ -= made;
      if (left_ < 0) refuse(archive_, "the archive is larger than a reader takes");
      if (result == Z_STREAM_END) {
        ended_ = true;
      } else if (result != Z_OK || (made == 0 && unread_ == 0)) {
        refuse(archive_, unread_ == 0 ? "the archive is cut off" : "the archive is damaged",
               stream_.msg == nullptr ? "" : stream_.msg);
      }
    }
    return done;
  }

 private:
  const std::filesystem::path& archive_;
  MappedFile file_;
  int64_t left_;
  size_t unread_ = 0;
  bool ended_ = false;
  z_stream stream_{};
};

using Header = std::array<char, kBlock>;

std::string text_in(const Header& header, Field field) {
  const std::string_view all(header.data() + field.at, field.size);
  return std::string(all.substr(0, all.find('\0')));
}

// An octal number; -1 when there is none.
int64_t number_in(const Header& header, Field field) {
  int64_t value = 0;
  bool any = false;
  for (size_t i = field.at; i < field.at + field.size; ++i) {
    const char c = header[i];
    if (c == ' ' && !any) continue;
    if (c < '0' || c > '7') break;
    value = value * 8 + (c - '0');
    any = true;
  }
  return any ? value : -1;
}

bool checksum_fits(const Header& header) {
  int64_t sum = 0;
  for (size_t i = 0; i < header.size(); ++i) {
    const bool own = i >= kChecksum.at && i < kChecksum.at + kChecksum.size;
    sum += own ? ' ' : static_cast<unsigned char>(header[i]);
  }
  return number_in(header, kChecksum) == sum;
}

// The name with single slashes, or an error when it leads anywhere but below the folder that it is unpacked to.
std::string safe_name(const std::filesystem::path& archive, const std::string& name) {
  if (name.empty() || name.front() == '/' || name.find('\\') != std::string::npos ||
      name.find('\0') != std::string::npos) {
    refuse(archive, "a name in the archive leads out of its folder", name);
  }
  std::string safe;
  for (size_t at = 0; at < name.size();) {
    const size_t end = std::min(name.find('/', at), name.size());
    const std::string part = name.substr(at, end - at);
    if (part == "..") refuse(archive, "a name in the archive leads out of its folder", name);
    if (!part.empty() && part != ".") safe += (safe.empty() ? "" : "/") + part;
    at = end + 1;
  }
  return safe;
}

// The "path" record of a pax header: "LENGTH path=NAME\n".
std::string pax_path(const std::string& records) {
  for (size_t at = 0; at < records.size();) {
    const size_t end = std::min(records.find('\n', at), records.size());
    const std::string record = records.substr(at, end - at);
    const size_t blank = record.find(' ');
    if (blank != std::string::npos && record.compare(blank + 1, 5, "path=") == 0) return record.substr(blank + 6);
    at = end + 1;
  }
  return "";
}

}  // namespace

void read_tar_gz(const std::filesystem::path& archive, const TarLimits& limits,
                 const std::function<void(TarEntry&)>& use, const CancelToken& cancel) {
  GzipStream stream(archive, limits.total_bytes);
  Header header;
  std::string long_name;
  int64_t files = 0;
  for (;;) {
    cancel.throw_if_cancelled();
    if (stream.read(header.data(), kBlock) != kBlock) refuse(archive, "the archive is cut off");
    if (std::ranges::all_of(header, [](char c) { return c == 0; })) break;
    if (!checksum_fits(header)) refuse(archive, "a header of the archive is damaged");
    const char type = header[kType.at];
    const int64_t size = number_in(header, kSize);
    const bool is_name = type == 'L' || type == 'x' || type == 'g';
    if (size < 0 || size > (is_name ? kMaxNameBytes : limits.file_bytes)) {
      refuse(archive, "a file in the archive is larger than a reader takes", std::to_string(size) + " bytes");
    }
    // The bound on the whole archive is met while inflating: no more is set aside than has come.
    std::string bytes;
    const auto padded = static_cast<size_t>((size + 511) / 512 * 512);
    while (bytes.size() < padded) {
      const size_t before = bytes.size();
      const size_t part = std::min<size_t>(padded - before, size_t{1} << 20);
      bytes.resize(before + part);
      if (stream.read(bytes.data() + before, part) != part) refuse(archive, "the archive is cut off");
    }
    bytes.resize(static_cast<size_t>(size));
    if (type == 'L') {
      long_name = bytes.substr(0, bytes.find('\0'));
    } else if (type == 'x') {
      long_name = pax_path(bytes);
    } else if (type == '0' || type == '\0') {
      if (++files > limits.files) refuse(archive, "the archive holds more files than a reader takes");
      std::string name = text_in(header, kName);
      const std::string prefix = text_in(header, kMagic) == "ustar" ? text_in(header, kPrefix) : std::string();
      if (!prefix.empty()) name.insert(0, prefix + "/");
      if (!long_name.empty()) name = long_name;
      long_name.clear();
      TarEntry entry{safe_name(archive, name), std::move(bytes)};
      use(entry);
    } else if (type == '5') {
      long_name.clear();
    } else if (type != 'g') {
      refuse(archive, "the archive holds more than files and folders",
             "an entry of type \"" + std::string(1, type) + "\"");
    }
  }
  // The rest is empty; reading it checks the checksum that ends the stream.
  while (stream.read(header.data(), kBlock) > 0) cancel.throw_if_cancelled();
}

}  // namespace espalier
