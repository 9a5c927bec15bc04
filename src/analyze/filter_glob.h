// Patterns of names, as fnmatch(3) without flags reads them: * ? [a-z] [!x] [[:digit:]] and \ before what stands for
// itself. Over bytes, in no locale: * also matches a slash.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ssnap::analyze {

enum class LetterCase { exact, folded };  // folded: ASCII letters only

class Glob {
 public:
  Glob(std::string_view pattern, LetterCase letter_case);

  // In |pattern| * |text| steps at most.
  bool matches(std::string_view text) const;
  // The same bytes, or the pattern matches: a name that holds brackets or stars itself is found by its own bytes.
  bool names(std::string_view text) const { return text == pattern_ || matches(text); }

 private:
  // What one byte of a text has to be; or a star, which is any run of them.
  struct Step {
    bool star = false;
    std::array<std::uint64_t, 4> bytes{};  // a set of them
  };

  std::string pattern_;
  std::vector<Step> steps_;
};

}  // namespace ssnap::analyze
