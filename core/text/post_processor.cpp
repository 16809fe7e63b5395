#include "text/post_processor.h"

#include <algorithm>

#include "text/byte_level.h"
#include "text/unicode.h"

namespace espalier {

TemplateItem special_item(TokenId id, int32_t type_id) { return {TemplateItem::Kind::Special, id, type_id}; }

Template plain_template(bool pair) {
  Template items = {{TemplateItem::Kind::First, 0, 0}};
  if (pair) items.push_back({TemplateItem::Kind::Second, 0, 1});
  return items;
}

Template bert_template(TokenId cls, TokenId sep, bool pair) {
  Template items = {special_item(cls, 0), {TemplateItem::Kind::First, 0, 0}, special_item(sep, 0)};
  if (pair) {
    items.push_back({TemplateItem::Kind::Second, 0, 1});
    items.push_back(special_item(sep, 1));
  }
  return items;
}

Template roberta_template(TokenId cls, TokenId sep, bool pair) {
  Template items = {special_item(cls, 0), {TemplateItem::Kind::First, 0, 0}, special_item(sep, 0)};
  if (pair) {
    items.push_back(special_item(sep, 0));
    items.push_back({TemplateItem::Kind::Second, 0, 0});
    items.push_back(special_item(sep, 0));
  }
  return items;
}

Template t5_template(TokenId eos, bool pair) {
  Template items = {{TemplateItem::Kind::First, 0, 0}, special_item(eos, 0)};
  if (pair) {
    items.push_back({TemplateItem::Kind::Second, 0, 0});
    items.push_back(special_item(eos, 0));
  }
  return items;
}

int64_t PostProcessor::num_special(bool is_pair) const {
  const Template& items = is_pair ? pair : single;
  return std::count_if(items.begin(), items.end(),
                       [](const TemplateItem& item) { return item.kind == TemplateItem::Kind::Special; });
}

Encoding PostProcessor::assemble(const TokenSpans& first, const TokenSpans* second, bool add_special_tokens) const {
  Encoding encoding;
  const Template& items = second ? pair : single;
  const size_t tokens = first.ids.size() + (second ? second->ids.size() : 0) + items.size();
  encoding.ids.reserve(tokens);
  encoding.type_ids.reserve(tokens);
  encoding.offsets.reserve(tokens);
  encoding.special.reserve(tokens);
  const auto add = [&](const TokenSpans& text, int32_t type_id) {
    encoding.ids.insert(encoding.ids.end(), text.ids.begin(), text.ids.end());
    encoding.offsets.insert(encoding.offsets.end(), text.offsets.begin(), text.offsets.end());
    encoding.type_ids.resize(encoding.ids.size(), type_id);
    encoding.special.resize(encoding.ids.size(), false);
  };
  for (const TemplateItem& item : items) {
    switch (item.kind) {
      case TemplateItem::Kind::First:
        add(first, item.type_id);
        break;
      case TemplateItem::Kind::Second:
        if (second) add(*second, item.type_id);
        break;
      case TemplateItem::Kind::Special:
        if (!add_special_tokens) break;
        encoding.ids.push_back(item.id);
        encoding.offsets.emplace_back(0, 0);
        encoding.type_ids.push_back(item.type_id);
        encoding.special.push_back(true);
        break;
    }
  }
  return encoding;
}

BlankEnds blank_ends(std::string_view token) {
  const auto is_blank = [](char32_t code) { return code == stand_in(' ') || is_white_space(code); };
  BlankEnds ends;
  bool leads = true;
  for (size_t at = 0; at < token.size();) {
    const bool blank = is_blank(next_code_point(token, at));
    leads = leads && blank;
    ends.leading += leads ? 1 : 0;
    ends.trailing = blank ? ends.trailing + 1 : 0;
  }
  return ends;
}

void trim_offsets(TokenSpans& text, const std::vector<BlankEnds>& by_id, bool keeps_prefix_space) {
  auto own_text = text.texts.begin();
  for (size_t i = 0; i < text.ids.size(); ++i) {
    const bool has_text = own_text != text.texts.end() && own_text->first == i;
    auto [leading, trailing] = has_text ? blank_ends((own_text++)->second) : by_id[static_cast<size_t>(text.ids[i])];
    auto& [begin, end] = text.offsets[i];
    if (leading > 0) {
      if (keeps_prefix_space && (i == 0 || begin == 0)) --leading;
      begin = std::min(begin + leading, end);
    }
    if (trailing > 0 && end >= trailing) end = std::max(end - trailing, begin);
  }
}

}  // namespace espalier
