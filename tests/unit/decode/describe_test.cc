#include "decode/describe.h"

#include "support/catch.h"

using namespace ssnap::decode;

TEST_CASE("what was found is shown in hex and never in full") {
  CHECK(describe_bytes("") == "nothing");
  CHECK(describe_bytes("\x1b") == "1 byte (1b)");
  CHECK(describe_bytes("0123456789abcdefXYZ") ==
        "19 bytes (30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66 ...)");
  CHECK(expected_found("a number", "zz", "row skipped") ==
        "expected a number, found 2 bytes (7a 7a); row skipped");
}
