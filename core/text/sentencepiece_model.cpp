#include "text/sentencepiece_model.h"

#include <cmath>

#include "base/error.h"
#include "text/component_json.h"
#include "text/vocabulary.h"
#include "text/wire_reader.h"

namespace espalier {
namespace {

SentencePieceModel::Piece read_piece(std::string_view bytes, const std::string& where) {
  SentencePieceModel::Piece piece;
  for (WireReader fields(bytes, where); fields.next();) {
    switch (fields.field()) {
      case 1:
        piece.text = fields.bytes();
        break;
      case 2:
        piece.score = fields.real();
        break;
      case 3: {
        const uint64_t kind = fields.number();
        if (kind < 1 || kind > 6) {
          throw Error(ErrorKind::Format,
                      {.what = "a piece has no known type", .where = where, .got = std::to_string(kind)});
        }
        piece.kind = static_cast<SentencePieceModel::Kind>(kind);
        break;
      }
      default:
        break;
    }
  }
  if (!std::isfinite(piece.score)) {
    throw Error(ErrorKind::Format, {.what = "the score of a piece is no number", .where = where});
  }
  return piece;
}

void read_trainer(SentencePieceModel& model, std::string_view bytes, std::string_view where) {
  static constexpr uint64_t kUnigram = 1;
  for (WireReader fields(bytes, where); fields.next();) {
    switch (fields.field()) {
      case 3:
        if (fields.number() != kUnigram) {
          refuse_component("SentencePiece model type", std::to_string(fields.number()), "1 (Unigram)", where);
        }
        break;
      case 24:
        if (fields.flag()) refuse_component("SentencePiece option", "treat_whitespace_as_suffix", "false", where);
        break;
      case 35:
        model.byte_fallback = fields.flag();
        break;
      default:
        break;
    }
  }
}

void read_normalizer(SentencePieceModel& model, std::string_view bytes, std::string_view where) {
  for (WireReader fields(bytes, where); fields.next();) {
    switch (fields.field()) {
      case 2:
        model.charsmap = fields.bytes();
        break;
      case 3:
        model.normalizing.add_dummy_prefix = fields.flag();
        break;
      case 4:
        model.normalizing.remove_extra_whitespaces = fields.flag();
        break;
      case 5:
        model.normalizing.escape_whitespaces = fields.flag();
        break;
      default:
        break;
    }
  }
}

}  // namespace

int64_t SentencePieceModel::find(std::string_view text) const {
  for (size_t id = 0; id < pieces.size(); ++id) {
    if (pieces[id].text == text) return static_cast<int64_t>(id);
  }
  return -1;
}

SentencePieceModel read_sentencepiece_model(std::string_view bytes, std::string_view where) {
  SentencePieceModel model;
  for (WireReader fields(bytes, where); fields.next();) {
    if (fields.field() == 1) {
      const std::string place = std::string(where) + ", piece " + std::to_string(model.pieces.size());
      model.pieces.push_back(read_piece(fields.bytes(), place));
      if (model.pieces.back().text.size() > kMaxTokenBytes || std::ssize(model.pieces) > kMaxTokens) {
        throw Error(ErrorKind::Format, {.what = "a piece is too long, or there are too many", .where = place});
      }
      if (model.pieces.back().kind == SentencePieceModel::Kind::Unknown) {
        model.unknown = static_cast<int64_t>(model.pieces.size()) - 1;
      }
    } else if (fields.field() == 2) {
      read_trainer(model, fields.bytes(), where);
    } else if (fields.field() == 3) {
      read_normalizer(model, fields.bytes(), where);
    }
  }
  if (model.pieces.empty() || model.unknown < 0) {
    throw Error(ErrorKind::Format, {.what = "the file holds no pieces, or none for unknown text",
                                    .where = std::string(where),
                                    .got = std::to_string(model.pieces.size()) + " pieces",
                                    .wanted = "a SentencePiece model"});
  }
  return model;
}

}  // namespace espalier
