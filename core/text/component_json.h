#pragma once
// The parts of tokenizer.json between the vocabulary and the text. Each reader takes the member as it stands in the
// file (null when absent) and throws Unsupported naming a component it does not know, Format when one is damaged.

#include "base/json_fwd.h"
#include "text/decoder.h"
#include "text/normalizer.h"
#include "text/post_processor.h"
#include "text/pre_tokenizer.h"

namespace espalier {

// A member without a copy of it; null when it is absent.
const Json& json_member(const Json& object, std::string_view key);
std::string component_type(const Json& component, std::string_view where);
[[noreturn]] void refuse_component(std::string_view component, const std::string& got, std::string_view wanted,
                                   std::string_view where);

NormalizerPtr normalizer_from_json(const Json& json, std::string_view where);
PreTokenizerPtr pre_tokenizer_from_json(const Json& json, std::string_view where);
PostProcessor post_processor_from_json(const Json& json, std::string_view where);
Decoder decoder_from_json(const Json& json, std::string_view where);

}  // namespace espalier
