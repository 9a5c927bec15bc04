#include "analyze/filter_glob.h"

#include "support/catch.h"

using ssnap::analyze::Glob;
using ssnap::analyze::LetterCase;

TEST_CASE("patterns match as fnmatch(3) without flags") {
  struct Case {
    std::string pattern, text;
    bool matches;
  };
  const std::vector<Case> cases{
      {"", "", true},
      {"", "a", false},
      {"*", "", true},
      {"**", "", true},
      {"*", "/run/user/0/bus", true},
      {"/run/*", "/run/user/0/bus", true},
      {"/run/*/bus", "/run/user/0/bus", true},
      {"/run/*/bus", "/run/user/0/bus2", false},
      {"*b*d", "abcbd", true},
      {"*b*d", "abcb", false},
      {"a?c", "abc", true},
      {"a?c", "a/c", true},
      {"a?c", "ac", false},
      {"[a-c]", "b", true},
      {"[a-c]", "d", false},
      {"[!a-c]", "d", true},
      {"[!a-c]", "b", false},
      {"[^a]", "b", true},
      {"[]a]", "]", true},
      {"[]a]", "a", true},
      {"[!]a]", "]", false},
      {"[a-]", "-", true},
      {"[c-a]", "b", false},
      {"[\\]]", "]", true},
      {"[\\a-c]", "b", true},
      {"[[:digit:]x]", "7", true},
      {"[[:digit:]x]", "x", true},
      {"[[:digit:]x]", "y", false},
      {"[[:none:]]", "n", false},
      {"[[:upper:]]", "a", false},
      {"[[:xdigit:]][[:alpha:]][[:punct:]][[:space:]]", "fz! ", true},
      {"[[:alnum:]][[:blank:]][[:cntrl:]][[:graph:]][[:lower:]][[:print:]]", std::string("Z\t\x01~a "), true},
      {"[a", "[a", true},
      {"[a", "a", false},
      {"a[", "a[", true},
      {"\\*", "*", true},
      {"\\*", "a", false},
      {"a\\", "a\\", true},
      {"*.service", "ssh.service", true},
      {std::string("\xff*"), std::string("\xff\xfe"), true},
  };
  for (const auto& row : cases) {
    INFO(row.pattern << " on " << row.text);
    CHECK(Glob(row.pattern, LetterCase::exact).matches(row.text) == row.matches);
  }
}

TEST_CASE("letter case is folded where asked for, in ASCII only") {
  CHECK(Glob("/TMP/a[B-D]", LetterCase::folded).matches("/tmp/Ac"));
  CHECK(Glob("[[:upper:]]", LetterCase::folded).matches("a"));
  CHECK_FALSE(Glob("[!a]", LetterCase::folded).matches("A"));
  CHECK_FALSE(Glob("/TMP", LetterCase::exact).matches("/tmp"));
  CHECK_FALSE(Glob("\xc3\x84", LetterCase::folded).matches("\xc3\xa4"));
}

TEST_CASE("a name is found by its own bytes, also where they look like a pattern") {
  const Glob glob("[kworker/0]*", LetterCase::exact);
  CHECK_FALSE(glob.matches("[kworker/0]*"));
  CHECK(glob.names("[kworker/0]*"));
}

TEST_CASE("a pattern of stars ends in time") {
  std::string pattern, text(4096, 'a');
  for (int i = 0; i < 2048; ++i) pattern += "*a";
  CHECK(Glob(pattern, LetterCase::exact).matches(text));
  CHECK_FALSE(Glob(pattern + "b", LetterCase::exact).matches(text));
  CHECK_FALSE(Glob(std::string(4096, '['), LetterCase::exact).matches(text));
}
