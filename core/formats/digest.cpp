#include "formats/digest.h"

#include <openssl/evp.h>

#include <array>
#include <memory>
#include <vector>

#include "base/error.h"
#include "formats/atomic_file.h"

namespace espalier {
namespace {

std::vector<unsigned char> digest_of(std::string_view bytes, const EVP_MD* kind) {
  std::vector<unsigned char> digest(static_cast<size_t>(EVP_MD_size(kind)));
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!context || EVP_DigestInit_ex(context.get(), kind, nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) != 1) {
    throw Error(ErrorKind::Internal, "SHA-2 is not available from the cryptography library");
  }
  return digest;
}

template <typename Use>
std::string of_file(const std::filesystem::path& file, Use use) {
  const MappedFile mapped = map_file(file);
  return use({reinterpret_cast<const char*>(mapped.bytes.data()), mapped.bytes.size()});
}

}  // namespace

std::string sha256(std::string_view bytes) {
  std::string text;
  for (const unsigned char byte : digest_of(bytes, EVP_sha256())) {
    constexpr std::string_view digits = "0123456789abcdef";
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::string sha256_file(const std::filesystem::path& file) { return of_file(file, sha256); }

std::string sha512_integrity(std::string_view bytes) {
  const std::vector<unsigned char> digest = digest_of(bytes, EVP_sha512());
  // Base64 of n bytes, and the zero that the library puts behind it.
  std::vector<unsigned char> text(4 * ((digest.size() + 2) / 3) + 1);
  const int length = EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(digest.size()));
  return "sha512-" + std::string(text.begin(), text.begin() + length);
}

std::string sha512_integrity_file(const std::filesystem::path& file) { return of_file(file, sha512_integrity); }

}  // namespace espalier
