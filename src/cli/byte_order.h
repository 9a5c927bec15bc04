// --byte-order, of the commands that show addresses: what a copy of /proc doesn't say.
#pragma once

#include <boost/program_options.hpp>
#include <optional>
#include <string>

#include "base/byte_reader.h"
#include "model/snapshot.h"

namespace ssnap::cli {

void add_byte_order(boost::program_options::options_description& description, std::string& to);
// nullopt: not given. Throws Failure.
std::optional<base::ByteOrder> parse_byte_order(const std::string& given);
// On standard error: that the order is a guess, or that the option was passed over because the snapshot `name` says another one.
void tell_byte_order(const model::Snapshot& snapshot, const std::string& name, std::optional<base::ByteOrder> given);

}  // namespace ssnap::cli
