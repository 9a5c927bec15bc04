// The fields of a socket by name. A name is a path in its JSON object: "state", "local.address", "owners.pid".
#pragma once

#include <boost/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/snapshot.h"

namespace ssnap::render {

// Every field, in the order of docs/schema/ssnap.schema.json.
std::span<const std::string_view> field_names();
// True for a field and for an object or a list of fields ("local", "owners").
bool is_field(std::string_view name);
// The fields that are below `name`, or itself: {"local.address", "local.port", ...} for "local". Empty if it is none.
std::vector<std::string_view> fields_of(std::string_view name);

// The value of one field as text that is harmless in a table cell: numbers in decimal, flags "true" and "false", "" where
// it is absent. Values of a list are joined by ';', of a list in each of them by blanks; within values these separators
// are \x3b and \x20, and a backslash is doubled, so that the text can be taken apart again.
std::string field_text(const boost::json::object& socket, std::string_view name);

// The columns that a name stands for: an object or a list is each of its fields, unless the table has a column of that
// name. Empty for a name that is neither.
std::vector<std::string> columns_of(const std::string& name);

// The fields and table cells of one socket, as text.
class FieldReader {
 public:
  FieldReader(const model::Snapshot& snapshot, const model::Socket& socket);
  // Where the table has a column of the same name as a field, `as_cell` takes the column's, which is made for people.
  std::string text(const std::string& name, bool as_cell) const;

 private:
  const model::Snapshot& snapshot_;
  const model::Socket& socket_;
  boost::json::object object_;
};

// What is left of a socket's object if only `names` are wanted; the objects and lists around them stay.
boost::json::object only_fields(const boost::json::object& socket, const std::vector<std::string>& names);

}  // namespace ssnap::render
