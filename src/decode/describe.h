// The wording of problems. What was found is shown in hex: a message never carries bytes of the input as they
// are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/problem.h"

namespace ssnap::decode {

// "4 bytes (3a 1b 5b 31)", at most kMaxBytesShown of them; "nothing" for an empty field.
std::string describe_bytes(std::string_view found);

// "expected WHAT, found 2 bytes (7a 7a); KEPT": the three things that every problem says.
std::string expected_found(std::string_view expected, std::string_view found, std::string_view kept);

// The problem with a line that ends the file without a newline.
void add_unended(base::Problems& problems, std::uint64_t offset, std::string_view found, std::string_view kept);

// `text`, or so much of it and a problem.
std::string_view at_most(std::size_t bytes, std::string_view text, std::string_view what, std::uint64_t offset,
                         base::Problems& problems);

}  // namespace ssnap::decode
