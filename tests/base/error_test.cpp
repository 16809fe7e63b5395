#include "base/error.h"

#include <filesystem>
#include <new>

#include "base/json.h"
#include "base/nearest.h"
#include "base/unicode.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

TEST(Error, SaysWhereWhatGotWantedNext) {
  const Error error(ErrorKind::Format, {"tensor data overlap", "a.safetensors", "8", "16", "Fetch it again."});
  EXPECT_STREQ(error.what(), "a.safetensors: tensor data overlap; got 8; wanted 16. Fetch it again.");
  EXPECT_STREQ(Error(ErrorKind::Io, "disk gone").what(), "disk gone");
}

TEST(Error, MessagesAreAlwaysValidTextAndNeverEndless) {
  const Error error(ErrorKind::Format, {"bad", "f", "\xFF\x01" + std::string(5000, 'x'), "", ""});
  EXPECT_TRUE(is_utf8(error.what()));
  EXPECT_LT(std::string(error.what()).size(), 500u);
  EXPECT_NO_THROW(to_json(error.info()).dump());
}

TEST(Error, SurvivesTheWayThroughJson) {
  for (const ErrorKind kind : {ErrorKind::InvalidInput, ErrorKind::Io, ErrorKind::Format, ErrorKind::Unsupported,
                               ErrorKind::OutOfMemory, ErrorKind::Device, ErrorKind::Internal}) {
    const ErrorInfo back = error_info_from_json(to_json(ErrorInfo{kind, "m", "d"}));
    EXPECT_EQ(back.kind, kind);
    EXPECT_EQ(back.message, "m");
    EXPECT_EQ(back.detail, "d");
  }
}

template <typename Exception>
ErrorKind kind_of(const Exception& exception) {
  try {
    throw exception;
  } catch (...) {
    return current_error_info().kind;
  }
}

TEST(Error, EveryExceptionBecomesAValue) {
  EXPECT_EQ(kind_of(std::bad_alloc()), ErrorKind::OutOfMemory);
  EXPECT_EQ(kind_of(std::runtime_error("x")), ErrorKind::Internal);
  EXPECT_EQ(kind_of(Error(ErrorKind::Device, "x")), ErrorKind::Device);
  EXPECT_EQ(kind_of(42), ErrorKind::Internal);
  const std::error_code code(ENOENT, std::generic_category());
  EXPECT_EQ(kind_of(std::filesystem::filesystem_error("x", "/y", code)), ErrorKind::Io);
}

TEST(Unicode, AcceptsWellFormedTextOnly) {
  EXPECT_TRUE(is_utf8("aé€😀"));
  for (const char* bad :
       {"\x80", "\xC0\x80", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF5", "\xF0\x9F\x98"}) {
    EXPECT_FALSE(is_utf8(bad)) << bad;
    EXPECT_TRUE(is_utf8(printable_utf8(bad)));
  }
}

TEST(Nearest, FindsTheClosestNameOrNone) {
  EXPECT_EQ(edit_distance("kitten", "sitting", 10), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting", 2), 3u);
  EXPECT_EQ(edit_distance("", "abc", 5), 3u);
  EXPECT_EQ(nearest_name("sparsty", {"rank", "sparsity", "bits"}), "sparsity");
  EXPECT_EQ(nearest_name("zzzz", {"rank", "sparsity"}), "");
}

}  // namespace
}  // namespace espalier
