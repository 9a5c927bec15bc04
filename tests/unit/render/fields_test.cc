// --fields and --format csv: names, text that can be taken apart again, and cells that no spreadsheet runs.
#include <fstream>
#include <set>

#include <boost/json.hpp>

#include "render/csv.h"
#include "render/fields.h"
#include "support/catch.h"
#include "support/snapshot_builder.h"

using namespace ssnap;
using namespace ssnap::test;
namespace json = boost::json;

namespace {

// The leaves of a schema's object, as paths.
void collect(const json::object& schema, const json::object& node, const std::string& path, int depth, std::set<std::string>& leaves) {
  if (depth > 12) return;
  if (const auto* ref = node.if_contains("$ref")) {
    const std::string name = std::string(ref->as_string().c_str()).substr(std::string("#/$defs/").size());
    return collect(schema, schema.at("$defs").at(name).as_object(), path, depth + 1, leaves);
  }
  for (const char* key : {"oneOf", "anyOf", "allOf"})
    if (const auto* several = node.if_contains(key))
      for (const auto& one : several->as_array()) collect(schema, one.as_object(), path, depth + 1, leaves);
  if (const auto* items = node.if_contains("items")) return collect(schema, items->as_object(), path, depth + 1, leaves);
  if (const auto* properties = node.if_contains("properties")) {
    for (const auto& [key, value] : properties->as_object()) {
      const std::string name(key);
      if (path.empty() && name == "type") continue;
      collect(schema, value.as_object(), path.empty() ? name : path + '.' + name, depth + 1, leaves);
    }
    return;
  }
  if (!node.contains("oneOf") && !node.contains("anyOf") && !node.contains("allOf")) leaves.insert(path);
}

}  // namespace

TEST_CASE("the names of fields are the schema's") {
  std::ifstream file(SSNAP_SCHEMA);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const json::value schema = json::parse(text);
  std::set<std::string> leaves;
  collect(schema.as_object(), schema.at("$defs").at("socket").as_object(), "", 0, leaves);
  REQUIRE(leaves.size() > 100);
  for (const auto& leaf : leaves) {
    CAPTURE(leaf);
    CHECK(render::is_field(leaf));
  }
  for (const auto name : render::field_names()) {
    if (name.ends_with(".*")) continue;
    CAPTURE(std::string(name));
    CHECK(leaves.count(std::string(name)) == 1);
  }
  CHECK(render::is_field("owners"));
  CHECK(render::is_field("details.tcp_info.rtt"));
  CHECK(render::is_field("details.tcp_info"));
  for (const char* none : {"", "own", "owners.", "owners.pid.x", ".state", "state.x", "details.tcp_info."}) CHECK_FALSE(render::is_field(none));
}

TEST_CASE("text of a field: lists within lists are told apart, and nothing in a value looks like a separator") {
  const json::object socket = json::parse(R"({"state":"LISTEN","flag":true,"owners":[{"comm":"a; b","cmdline":["x y","z;"],"fds":[3,4]},
    {"comm":"\u202e\\\\","cmdline":[],"fds":[5]}],"details":{"x":-1}})").as_object();
  CHECK(render::field_text(socket, "state") == "LISTEN");
  CHECK(render::field_text(socket, "flag") == "true");
  CHECK(render::field_text(socket, "owners.comm") == "a\\x3b b;\\u{202e}\\\\");
  CHECK(render::field_text(socket, "owners.cmdline") == "x\\x20y z\\x3b;");
  CHECK(render::field_text(socket, "owners.fds") == "3 4;5");
  CHECK(render::field_text(socket, "details.x") == "-1");
  CHECK(render::field_text(socket, "nothing").empty());
  CHECK(json::serialize(render::only_fields(socket, {"state", "owners.fds", "nothing"})) ==
        R"({"state":"LISTEN","owners":[{"fds":[3,4]},{"fds":[5]}]})");
}

TEST_CASE("cells are quoted as RFC 4180 has it, and begin no formula") {
  CHECK(render::csv_cell("plain") == "plain");
  CHECK(render::csv_cell("") == "");
  CHECK(render::csv_cell("a,b") == "\"a,b\"");
  CHECK(render::csv_cell("say \"x\"") == "\"say \"\"x\"\"\"");
  for (const char* formula : {"=cmd()", "+1", "-1", "@SUM(A1)"}) CHECK(render::csv_cell(formula) == std::string("'") + formula);
  CHECK(render::csv_cell("=a,b") == "\"'=a,b\"");
}

TEST_CASE("hostile names are harmless in CSV") {
  auto snapshot = scene();
  snapshot.processes[0].comm = "=cmd()|' /C calc'!A0";
  snapshot.processes[1].comm = "a\x1b[2J\n\"\xff\xe2\x80\xae";
  render::Rows rows{snapshot, {&snapshot.sockets[0]}, 1, 0, 0};
  const std::string text = render::render_csv(rows, {"owners.comm", "local", "reach"}, true);
  CHECK(text == "owners.comm,local,reach\r\n\"'=cmd()|' /C calc'!A0;a\\x1b[2J\\x0a\"\"\\xff\\u{202e}\",[::]:8080,\"everywhere, v4+v6\"\r\n");
  CHECK(render::render_csv(rows, {"state"}, false) == "LISTEN\r\n");
}
