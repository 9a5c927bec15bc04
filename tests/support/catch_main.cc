// Catch2's main function, compiled once. v3 brings its own library for it.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
