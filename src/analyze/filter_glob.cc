#include "analyze/filter_glob.h"

#include <cstddef>
#include <optional>

namespace ssnap::analyze {
namespace {

using Byte = std::uint8_t;
using ByteSet = std::array<std::uint64_t, 4>;

void add(ByteSet& set, Byte c) { set[c / 64] |= std::uint64_t{1} << (c % 64); }
bool holds(const ByteSet& set, Byte c) { return (set[c / 64] >> (c % 64) & 1) != 0; }

bool is_lower(Byte c) { return c >= 'a' && c <= 'z'; }
bool is_upper(Byte c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(Byte c) { return c >= '0' && c <= '9'; }
bool is_alnum(Byte c) { return is_lower(c) || is_upper(c) || is_digit(c); }
bool is_graph(Byte c) { return c > ' ' && c < 0x7f; }

struct CharacterClass {
  std::string_view name;
  bool (*holds)(Byte);
};

constexpr CharacterClass kClasses[] = {
    {"alnum", is_alnum},
    {"alpha", [](Byte c) { return is_lower(c) || is_upper(c); }},
    {"blank", [](Byte c) { return c == ' ' || c == '\t'; }},
    {"cntrl", [](Byte c) { return c < ' ' || c == 0x7f; }},
    {"digit", is_digit},
    {"graph", is_graph},
    {"lower", is_lower},
    {"print", [](Byte c) { return c >= ' ' && c < 0x7f; }},
    {"punct", [](Byte c) { return is_graph(c) && !is_alnum(c); }},
    {"space", [](Byte c) { return c == ' ' || (c >= '\t' && c <= '\r'); }},
    {"upper", is_upper},
    {"xdigit", [](Byte c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }},
};

void add_class(ByteSet& set, std::string_view name) {
  for (const auto& row : kClasses)
    if (row.name == name)
      for (unsigned c = 0; c < 256; ++c)
        if (row.holds(static_cast<Byte>(c))) add(set, static_cast<Byte>(c));
}

void fold(ByteSet& set) {
  for (Byte c = 'a'; c <= 'z'; ++c) {
    const Byte upper = static_cast<Byte>(c - 'a' + 'A');
    if (holds(set, c) || holds(set, upper)) add(set, c), add(set, upper);
  }
}

// The bracket expression that begins at pattern[at], and where it ends. nullopt: it is never closed, so the bracket
// stands for itself.
struct Bracket {
  ByteSet bytes{};
  std::size_t end = 0;
};
std::optional<Bracket> read_bracket(std::string_view pattern, std::size_t at, LetterCase letter_case) {
  Bracket bracket;
  ++at;
  const bool negated = at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^');
  if (negated) ++at;
  // One byte of the set; nullopt where the pattern ends after a backslash.
  const auto member = [&]() -> std::optional<Byte> {
    if (pattern[at] == '\\' && ++at == pattern.size()) return std::nullopt;
    return static_cast<Byte>(pattern[at++]);
  };
  for (bool first = true; at < pattern.size(); first = false) {
    if (pattern[at] == ']' && !first) {
      if (letter_case == LetterCase::folded) fold(bracket.bytes);
      if (negated)
        for (auto& word : bracket.bytes) word = ~word;
      bracket.end = at + 1;
      return bracket;
    }
    // No class has a longer name than "xdigit".
    constexpr std::size_t kMaxClass = 6;
    const auto close = pattern.substr(at, 2) == "[:" ? pattern.substr(at + 2, kMaxClass + 2).find(":]")
                                                     : std::string_view::npos;
    if (close != std::string_view::npos) {
      add_class(bracket.bytes, pattern.substr(at + 2, close));
      at += 2 + close + 2;
      continue;
    }
    const auto low = member();
    if (!low) return std::nullopt;
    auto high = low;
    if (at + 1 < pattern.size() && pattern[at] == '-' && pattern[at + 1] != ']') {
      ++at;
      high = member();
      if (!high) return std::nullopt;
    }
    for (unsigned c = *low; c <= *high; ++c) add(bracket.bytes, static_cast<Byte>(c));
  }
  return std::nullopt;
}

}  // namespace

Glob::Glob(std::string_view pattern, LetterCase letter_case) : pattern_(pattern) {
  // Once one bracket is not closed, none after it is looked at: reading stays linear.
  bool brackets = true;
  for (std::size_t at = 0; at < pattern.size();) {
    Step step;
    std::optional<Bracket> bracket;
    if (pattern[at] == '[' && brackets) {
      bracket = read_bracket(pattern, at, letter_case);
      brackets = bracket.has_value();
    }
    if (bracket) {
      step.bytes = bracket->bytes;
      at = bracket->end;
    } else if (pattern[at] == '*') {
      ++at;
      if (!steps_.empty() && steps_.back().star) continue;
      step.star = true;
    } else if (pattern[at] == '?') {
      ++at;
      step.bytes.fill(~std::uint64_t{0});
    } else {
      if (pattern[at] == '\\' && at + 1 < pattern.size()) ++at;
      add(step.bytes, static_cast<Byte>(pattern[at++]));
      if (letter_case == LetterCase::folded) fold(step.bytes);
    }
    steps_.push_back(step);
  }
}

bool Glob::matches(std::string_view text) const {
  std::size_t s = 0, t = 0;
  // Where to go on from when what follows the last star doesn't fit: one byte further.
  std::optional<std::size_t> after_star;
  std::size_t star_begin = 0;
  for (;;) {
    if (s < steps_.size() && steps_[s].star) {
      after_star = ++s;
      star_begin = t;
    } else if (t == text.size()) {
      return s == steps_.size();
    } else if (s < steps_.size() && holds(steps_[s].bytes, static_cast<Byte>(text[t]))) {
      ++s;
      ++t;
    } else if (after_star) {
      s = *after_star;
      t = ++star_begin;
    } else {
      return false;
    }
  }
}

}  // namespace ssnap::analyze
