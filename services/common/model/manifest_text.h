#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/model/resources.h"

// The words of manifests (docs/connectors.md): ${config.x} in a text, $record.fields in a body.
namespace penstock {

// A part of a text: characters, or a word that stands for a value.
struct ManifestPiece {
  bool is_word = false;
  std::string text;  // of a word: without $ and braces
};

// Words that begin so may be written without braces in paths, queries and headers.
inline constexpr std::string_view kBareWords[] = {"record."};

// Takes a text with ${word}, $word and $$ (a dollar) apart; words without braces begin with one of
// `bare`. What is wrong is added to `problems`.
std::vector<ManifestPiece> SplitManifestText(std::string_view text,
                                             std::vector<std::string>& problems,
                                             std::span<const std::string_view> bare = kBareWords);

// A word of a request and where it stands.
struct ManifestWord {
  std::string field;     // "path", "query.key", "headers.X-Id", "body"
  std::string place;     // in the body: "/inputs/id"
  std::string word;      // without $ and braces: "record.identity"
  bool in_each = false;  // of a body: inside of {$each: record, $do: …}
};

// All words of a request. `problems`, of texts that can't be taken apart, begin with the field.
// A body that is no JSON has no words.
std::vector<ManifestWord> WordsOf(const RequestTemplate& request,
                                  std::vector<std::string>& problems);

}  // namespace penstock
