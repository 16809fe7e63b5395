#include "formats/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <streambuf>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "base/mapped_memory.h"

namespace espalier {
namespace fs = std::filesystem;
namespace {

std::string reason(int code) { return std::generic_category().message(code); }

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() { close(); }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  int close() {
    const int result = fd_ >= 0 ? ::close(fd_) : 0;
    fd_ = -1;
    return result;
  }

 private:
  int fd_;
};

// Writes to a descriptor and remembers the first failure. After it, bytes are only counted, so that the error can say
// how many were wanted.
class DescriptorBuffer : public std::streambuf {
 public:
  explicit DescriptorBuffer(int fd) : fd_(fd), buffer_(size_t{1} << 18) {
    setp(buffer_.data(), buffer_.data() + buffer_.size());
  }

  int error() const { return error_; }
  uint64_t wanted() const { return wanted_; }

 protected:
  int_type overflow(int_type c) override {
    flush_buffer();
    if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    *pptr() = traits_type::to_char_type(c);
    pbump(1);
    return c;
  }

  std::streamsize xsputn(const char* from, std::streamsize count) override {
    if (count < epptr() - pptr()) {
      std::memcpy(pptr(), from, static_cast<size_t>(count));
      pbump(static_cast<int>(count));
    } else {
      flush_buffer();
      put(from, static_cast<size_t>(count));
    }
    return count;
  }

  int sync() override {
    flush_buffer();
    return 0;
  }

 private:
  void flush_buffer() {
    put(pbase(), static_cast<size_t>(pptr() - pbase()));
    setp(buffer_.data(), buffer_.data() + buffer_.size());
  }

  void put(const char* from, size_t count) {
    wanted_ += count;
    while (count > 0 && error_ == 0) {
      const ssize_t written = ::write(fd_, from, std::min(count, size_t{1} << 30));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        error_ = errno;
        return;
      }
      from += written;
      count -= static_cast<size_t>(written);
    }
  }

  int fd_;
  std::vector<char> buffer_;
  int error_ = 0;
  uint64_t wanted_ = 0;
};

[[noreturn]] void throw_write_error(const fs::path& file, int code, uint64_t wanted) {
  std::string got;
  std::error_code ignored;
  if (code == ENOSPC || code == EDQUOT) {
    got = fmt::format("{} bytes free", fs::space(file.parent_path(), ignored).available);
  }
  const std::string next = code == ENOSPC || code == EDQUOT ? "Free space or choose another folder."
                                                            : "Check that the folder exists and may be written to.";
  throw Error(ErrorKind::Io, {"cannot be written: " + reason(code), file.string(), got,
                              wanted > 0 ? fmt::format("room for {} bytes", wanted) : "", next});
}

[[noreturn]] void throw_read_error(const fs::path& file, int code) {
  throw Error(ErrorKind::Io, {"cannot be read: " + reason(code), file.string(), "", "a file that may be read", ""});
}

// Opens without waiting, so that a named pipe is refused and not waited for.
int open_regular(const fs::path& file, struct stat& status) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) throw_read_error(file, errno);
  if (::fstat(fd, &status) != 0) {
    const int code = errno;
    ::close(fd);
    throw_read_error(file, code);
  }
  if (!S_ISREG(status.st_mode)) {
    ::close(fd);
    throw Error(ErrorKind::Io,
                {"not a regular file", file.string(), S_ISDIR(status.st_mode) ? "a folder" : "a device", "a file", ""});
  }
  return fd;
}

fs::path name_beside(const fs::path& file) {
  static std::atomic<uint64_t> counter{0};
  return file.parent_path() / fmt::format(".{}.{}-{}.part", file.filename().string(), ::getpid(), counter++);
}

void flush_folder(const fs::path& folder) {
  const FileDescriptor fd(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems cannot flush a folder; the file itself is safe by then.
  if (fd.is_open()) static_cast<void>(::fsync(fd.get()));
}

}  // namespace

void write_file_atomically(const fs::path& file, const std::function<void(std::ostream&)>& write) {
  const fs::path beside = name_beside(file);
  FileDescriptor fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!fd.is_open()) throw_write_error(file, errno, 0);
  try {
    DescriptorBuffer buffer(fd.get());
    std::ostream stream(&buffer);
    write(stream);
    stream.flush();
    if (buffer.error() != 0) throw_write_error(file, buffer.error(), buffer.wanted());
    if (::fsync(fd.get()) != 0 && errno != EINVAL) throw_write_error(file, errno, buffer.wanted());
    if (fd.close() != 0) throw_write_error(file, errno, buffer.wanted());
    if (::rename(beside.c_str(), file.c_str()) != 0) throw_write_error(file, errno, 0);
  } catch (...) {
    ::unlink(beside.c_str());
    throw;
  }
  flush_folder(file.parent_path());
}

void write_file_atomically(const fs::path& file, std::string_view bytes) {
  write_file_atomically(file, [&](std::ostream& out) { out.write(bytes.data(), std::ssize(bytes)); });
}

std::string read_file(const fs::path& file, size_t max_bytes) {
  struct stat status {};
  const FileDescriptor fd(open_regular(file, status));
  const auto size = static_cast<size_t>(status.st_size);
  if (size > max_bytes) {
    throw Error(ErrorKind::InvalidInput, {"the file is too large", file.string(), fmt::format("{} bytes", size),
                                          fmt::format("at most {} bytes", max_bytes), ""});
  }
  std::string bytes(size, '\0');
  size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(fd.get(), bytes.data() + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_read_error(file, errno);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

MappedFile map_file(const fs::path& file) {
  struct stat status {};
  const FileDescriptor fd(open_regular(file, status));
  const auto size = static_cast<size_t>(status.st_size);
  if (size == 0) return {{}, std::make_shared<char>()};
  std::shared_ptr<const void> keeper = map_memory(fd.get(), size, file.string());
  if (keeper == nullptr) throw_read_error(file, errno);
  return {{static_cast<const std::byte*>(keeper.get()), size}, keeper};
}

}  // namespace espalier
