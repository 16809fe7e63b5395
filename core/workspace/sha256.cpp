#include <openssl/evp.h>

#include <array>
#include <memory>

#include "base/error.h"
#include "formats/atomic_file.h"
#include "workspace/workspace.h"

namespace espalier {

std::string sha256(std::string_view bytes) {
  std::array<unsigned char, 32> digest{};
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) != 1) {
    throw Error(ErrorKind::Internal, "SHA-256 is not available from the cryptography library");
  }
  std::string text;
  for (const unsigned char byte : digest) {
    constexpr std::string_view digits = "0123456789abcdef";
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::string sha256_file(const std::filesystem::path& file) {
  const MappedFile mapped = map_file(file);
  return sha256({reinterpret_cast<const char*>(mapped.bytes.data()), mapped.bytes.size()});
}

}  // namespace espalier
