#include "cli/byte_order.h"

#include "cli/command.h"
#include "render/byte_order.h"

namespace po = boost::program_options;

namespace ssnap::cli {

void add_byte_order(po::options_description& description, std::string& to) {
  description.add_options()("byte-order", po::value(&to)->value_name("little|big"),
                            "of the host of a copy of /proc, whose addresses are printed in it; an archive says it itself");
}

std::optional<base::ByteOrder> parse_byte_order(const std::string& given) {
  if (given.empty()) return std::nullopt;
  if (given == "little") return base::ByteOrder::little;
  if (given == "big") return base::ByteOrder::big;
  throw base::Failure(base::ExitCode::usage, "--byte-order takes little or big, not '" + given + "'");
}

void tell_byte_order(const model::Snapshot& snapshot, const std::string& name, std::optional<base::ByteOrder> given) {
  const auto& known = snapshot.host.byte_order;
  if (!known) return;
  const std::string order(render::byte_order_word(known->order));
  if (known->from == model::HostByteOrder::From::capture && given && *given != known->order)
    say(name + ": --byte-order is passed over: the snapshot says that its host is of the other order, " + order);
  if (render::is_guess_that_matters(snapshot.host))
    say(name + ": the byte order of the addresses is guessed: " + order + "; " + known->detail + "; --byte-order says it");
}

}  // namespace ssnap::cli
