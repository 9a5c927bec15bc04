#include <algorithm>
#include <utility>

#include "analyze/filter_host.h"
#include "analyze/filter_words.h"

namespace ssnap::analyze {
namespace {

using base::Error;

// How much of a long word a message repeats, and how many words before it.
constexpr std::size_t kMaxQuotedBytes = 60;
constexpr std::size_t kQuotedWords = 3;

struct Word {
  std::string text;           // without the backslashes
  std::vector<bool> literal;  // of each byte: a backslash stood before it
};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }
bool is_letter(char c) { return c >= 'a' && c <= 'z'; }
bool is_sign(char c) { return c == '=' || c == '<' || c == '>' || c == '!'; }

std::string quoted(std::string_view text) {
  if (text.size() <= kMaxQuotedBytes) return "'" + std::string(text) + "'";
  return "'" + std::string(text.substr(0, kMaxQuotedBytes)) + "...'";
}

std::vector<Word> split(std::span<const std::string> arguments) {
  std::vector<Word> words;
  for (const auto& argument : arguments) {
    Word word;
    for (std::size_t i = 0; i <= argument.size(); ++i) {
      if (i == argument.size() || is_blank(argument[i])) {
        if (!word.text.empty()) words.push_back(std::exchange(word, {}));
        continue;
      }
      const bool literal = argument[i] == '\\';
      if (literal && ++i == argument.size()) --i;  // nothing after it: it stands for itself
      word.text += argument[i];
      word.literal.push_back(literal);
    }
  }
  return words;
}

class Parser {
 public:
  Parser(std::vector<Word> words, HostFamily unprefixed) : words_(std::move(words)), unprefixed_(unprefixed) {
    for (const auto& word : words_) syntax_.words.push_back(word.text);
  }

  base::Result<FilterSyntax> run() {
    for (std::size_t i = 0; i < words_.size(); ++i)
      if (words_[i].text.size() > kMaxFilterWordBytes)
        return filter_error(syntax_.words, i + 1, words_[i].text,
                            "at most " + std::to_string(kMaxFilterWordBytes) + " bytes in a word");
    if (!words_.empty() && !(whole() && at_whole_end())) return *error_;
    return std::move(syntax_);
  }

 private:
  // ss's own form is states first, then an expression that all of them apply to; the states are a condition like any
  // other where an operator follows.
  bool whole() {
    const auto root = add_group();
    const auto keyword = peek_keyword();
    const auto* row = find_predicate(keyword);
    if (row == nullptr || row->subject != Subject::state) return group(root);
    Term states;
    if (!term(states)) return false;
    syntax_.groups[root].push_back(states);
    if (at_end()) return lead(states);
    if (peek_joiner()) return more_terms(root);
    if (sees(')')) return true;
    lead(states);
    Term rest;
    rest.is_group = true;
    rest.index = add_group();
    syntax_.groups[root].push_back(rest);
    return group(rest.index);
  }

  bool lead(const Term& states) {
    if (!states.is_group && !states.negated) syntax_.leading_states = syntax_.predicates[states.index].states;
    return true;
  }

  bool at_whole_end() {
    return at_end() || fail("and, or, or a condition: this ) was never opened");
  }

  bool group(std::uint32_t index) {
    Term first;
    if (!term(first)) return false;
    syntax_.groups[index].push_back(first);
    return more_terms(index);
  }

  bool more_terms(std::uint32_t index) {
    while (!at_end() && !sees(')')) {
      Term next;
      next.by_or = take_joiner();
      if (!term(next)) return false;
      syntax_.groups[index].push_back(next);
    }
    return true;
  }

  bool term(Term& out) {
    for (;;) {
      if (sees('!')) skip(1);
      else if (peek_keyword() == "not") skip(3);
      else break;
      out.negated = !out.negated;
    }
    if (!sees('(')) return condition(out);
    if (open_ == kMaxFilterDepth) return fail("at most " + std::to_string(kMaxFilterDepth) + " parentheses within each other");
    skip(1);
    ++open_;
    out.is_group = true;
    out.index = add_group();
    if (!group(out.index)) return false;
    if (!sees(')')) return fail("and, or, a condition, or )");
    skip(1);
    --open_;
    return true;
  }

  bool condition(Term& out) {
    const auto keyword = peek_keyword();
    const auto* row = find_predicate(keyword);
    if (row == nullptr) {
      const std::string word = value_text();
      return fail(predicate_list() + ", not or (", !keyword.empty() ? keyword : !word.empty() ? word : rest());
    }
    if (syntax_.predicates.size() == kMaxFilterPredicates)
      return fail("at most " + std::to_string(kMaxFilterPredicates) + " conditions");
    Predicate predicate;
    predicate.subject = row->subject;
    if (row->subject == Subject::state) {
      if (!state_run(predicate)) return false;
    } else {
      skip(keyword.size());
      if (row->value != ValueKind::none && !(comparison(*row, predicate) && value(*row, predicate))) return false;
    }
    out.index = static_cast<std::uint32_t>(syntax_.predicates.size());
    syntax_.predicates.push_back(std::move(predicate));
    return true;
  }

  // state X state Y exclude Z ...: one set. The first word decides what it begins with.
  bool state_run(Predicate& predicate) {
    bool first = true;
    for (;; first = false) {
      const auto keyword = peek_keyword();
      const auto* row = find_predicate(keyword);
      if (row == nullptr || row->subject != Subject::state) return true;
      bool adds = keyword == "state";
      skip(keyword.size());
      Predicate one;
      if (!comparison(*row, one)) return false;
      if (one.comparison == Comparison::not_equal) adds = !adds;
      if (at_end()) return fail(kStateNames);
      const std::string name = value_text();
      const auto states = find_states(name);
      if (!states) return fail(kStateNames, name);
      predicate.word = word_ + 1;
      take_value();
      if (first) predicate.states = adds ? 0 : ~0u;
      if (adds) predicate.states |= *states;
      else predicate.states &= ~*states;
    }
  }

  // An operator, or none: equal.
  bool comparison(const PredicateRow& row, Predicate& predicate) {
    if (at_end()) return true;
    const std::string_view left = rest();
    std::size_t length = 0;
    if (is_sign(left.front()) && !literal()) {
      const bool two = left.size() > 1 && left[1] == '=' && !words_[word_].literal[offset_ + 1];
      length = two ? 2 : 1;
    } else if (offset_ == 0 && is_letter(left.front()) && !literal() && find_comparison(left)) {
      length = left.size();
    }
    if (length == 0) return true;
    const auto found = find_comparison(left.substr(0, length));
    if (!found) return fail("=, !=, <, <=, > or >=");  // "!"
    const bool equality = *found == Comparison::equal || *found == Comparison::not_equal;
    if (!equality && !row.ordered) return fail("= or !=, which is all that " + std::string(row.word) + " has", left.substr(0, length));
    predicate.comparison = *found;
    skip(length);
    return true;
  }

  bool value(const PredicateRow& row, Predicate& predicate) {
    if (at_end()) return fail(expected(row));
    predicate.word = word_ + 1;
    predicate.text = value_text();
    const std::string& text = predicate.text;
    if (text.empty()) return fail(expected(row));
    bool good = true;
    switch (row.value) {
      case ValueKind::host:
      case ValueKind::port: {
        const auto host = row.value == ValueKind::host ? parse_host(text, unprefixed_) : parse_port(text, unprefixed_);
        if (host.has_error()) return fail(host.error().message, text);
        predicate.host = *host;
        const bool equality = predicate.comparison == Comparison::equal || predicate.comparison == Comparison::not_equal;
        if (!equality && !host->port && host->port_name.empty()) return fail("a port to compare with", text);
        break;
      }
      case ValueKind::mark: good = mark(text, predicate); break;
      case ValueKind::number:
        predicate.number = parse_c_integer(text);
        good = predicate.number.has_value();
        break;
      case ValueKind::reason: good = is_reason(text); break;
      case ValueKind::via: good = is_via(text); break;
      case ValueKind::protocol:
        predicate.number = parse_c_integer(text);
        good = predicate.number || !protocol_keys(text).empty();
        break;
      default: break;
    }
    if (!good) return fail(expected(row), text);
    take_value();
    return true;
  }

  // MARK[/MASK].
  static bool mark(const std::string& text, Predicate& predicate) {
    const auto slash = text.find('/');
    const auto value = parse_c_integer(text.substr(0, slash));
    const auto mask = slash == std::string::npos ? UINT32_MAX : parse_c_integer(text.substr(slash + 1));
    if (!value || !mask || *value > UINT32_MAX || *mask > UINT32_MAX) return false;
    predicate.number = value;
    predicate.mask = *mask;
    return true;
  }

  static std::string expected(const PredicateRow& row) {
    switch (row.value) {
      case ValueKind::reason: return reason_list();
      case ValueKind::via: return via_list();
      default: return std::string(row.expected);
    }
  }

  // Words and bytes.

  bool at_end() const { return word_ == words_.size(); }
  bool literal() const { return words_[word_].literal[offset_]; }
  bool sees(char c) const { return !at_end() && words_[word_].text[offset_] == c && !literal(); }

  void settle() {
    if (!at_end() && offset_ == words_[word_].text.size()) ++word_, offset_ = 0;
  }
  void skip(std::size_t bytes) {
    offset_ += bytes;
    settle();
  }

  // The letters from here, where an operator, a parenthesis or the word's end follows; else "".
  std::string_view peek_keyword() const {
    if (at_end()) return "";
    const Word& word = words_[word_];
    std::size_t end = offset_;
    while (end < word.text.size() && is_letter(word.text[end]) && !word.literal[end]) ++end;
    const bool ends = end == word.text.size() ||
                      (!word.literal[end] && (is_sign(word.text[end]) || word.text[end] == '(' || word.text[end] == ')'));
    return ends ? std::string_view(word.text).substr(offset_, end - offset_) : std::string_view();
  }

  bool peek_joiner() const {
    const auto keyword = peek_keyword();
    return sees('&') || sees('|') || keyword == "and" || keyword == "or";
  }

  // True for `or`; false for `and`, or nothing, which means the same.
  bool take_joiner() {
    for (const char sign : {'&', '|'}) {
      if (!sees(sign)) continue;
      const Word& word = words_[word_];
      const bool twice = offset_ + 1 < word.text.size() && word.text[offset_ + 1] == sign && !word.literal[offset_ + 1];
      skip(twice ? 2 : 1);
      return sign == '|';
    }
    const auto keyword = peek_keyword();
    const bool by_or = keyword == "or";
    if (by_or || keyword == "and") skip(keyword.size());
    return by_or;
  }

  // What is left of the word; within a group, up to the parenthesis that closes it: a name may have its own pairs.
  std::size_t value_end() const {
    const Word& word = words_[word_];
    std::size_t opened = 0;
    for (std::size_t i = offset_; i < word.text.size(); ++i) {
      if (word.literal[i]) continue;
      if (word.text[i] == '(') ++opened;
      if (word.text[i] != ')') continue;
      if (opened == 0 && open_ > 0) return i;
      if (opened > 0) --opened;
    }
    return word.text.size();
  }
  std::string value_text() const { return at_end() ? "" : words_[word_].text.substr(offset_, value_end() - offset_); }
  void take_value() { skip(value_end() - offset_); }

  std::uint32_t add_group() {
    syntax_.groups.emplace_back();
    return static_cast<std::uint32_t>(syntax_.groups.size() - 1);
  }

  std::string_view rest() const { return at_end() ? "" : std::string_view(words_[word_].text).substr(offset_); }
  bool fail(const std::string& expected) { return fail(expected, rest()); }
  bool fail(const std::string& expected, std::string_view token) {
    error_ = filter_error(syntax_.words, word_ + 1, token, expected);
    return false;
  }

  static constexpr const char* kStateNames =
      "all, connected, synchronized, bucket, big, established, syn-sent, syn-recv, fin-wait-1, fin-wait-2, time-wait, closed, "
      "close-wait, last-ack, listening, closing or bound-inactive";

  std::vector<Word> words_;
  HostFamily unprefixed_;
  std::size_t word_ = 0, offset_ = 0;  // at a byte of a word, or at the end of all
  std::size_t open_ = 0;               // parentheses
  FilterSyntax syntax_;
  std::optional<Error> error_;
};

}  // namespace

bool FilterSyntax::speaks_of(Subject subject) const {
  return std::any_of(predicates.begin(), predicates.end(), [&](const auto& p) { return p.subject == subject; });
}

Error filter_error(const std::vector<std::string>& words, std::size_t word, std::string_view token, std::string_view expected) {
  std::string message = "filter: ";
  const bool at_end = word > words.size();
  if (!at_end) message += quoted(token) + " at word " + std::to_string(word);
  // At the end there is a word before it: no words are no filter.
  if (const std::size_t before = word - 1; before > 0) {
    message += at_end ? "it ends after " : ", after ";
    std::string shown;
    for (std::size_t i = before - std::min(before, kQuotedWords); i < before; ++i)
      shown += (shown.empty() ? "" : " ") + words[i];
    message += quoted(shown);
  }
  return {message + ": expected " + std::string(expected), 0};
}

base::Result<FilterSyntax> parse_filter(std::span<const std::string> arguments, HostFamily unprefixed) {
  return Parser(split(arguments), unprefixed).run();
}

}  // namespace ssnap::analyze
