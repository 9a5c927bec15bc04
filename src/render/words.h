// The phrases that several views share. Everything returned is escaped for a terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/snapshot.h"

namespace ssnap::render {

// How many owners, or fds of one owner, a text view names before it counts the rest.
constexpr std::size_t kMaxNamed = 8;

// In decimal.
void append_number(std::string& text, std::uint64_t number);
// "sh", without a pid; "?" where comm was not read.
std::string process_name(const model::Snapshot& snapshot, std::uint32_t process);
// "sh[81]"; "?[81]" where comm was not read, "?" for an index that the snapshot lacks.
std::string process_label(const model::Snapshot& snapshot, std::uint32_t process);
// "2,500 x nginx[101 … 2600]": processes that differ in nothing but the pid.
std::string alike_label(const model::Snapshot& snapshot, std::uint32_t first, std::uint32_t last, std::uint64_t number);
// What is odd about it: "executable deleted, leader exited, thread 82 lives"; "" where nothing is.
std::string process_notes(const model::Process& process);
// "inherited from 80", "passed by 80", "possibly passed"; "" for who made it and where it isn't known. No origin is
// certain, so what is only probable has no mark; origin_certainty and origin_evidence of the JSON tell.
std::string origin_phrase(const model::Snapshot& snapshot, const model::Owner& owner);
// How an owner holds it: "fd 38, inherited from 80", "fd 3,4", "in an io_uring, fd 4, registered file 0".
std::string holding_phrase(const model::Snapshot& snapshot, const model::Owner& owner);
// "", "probably " or "possibly ".
std::string_view doubt_word(model::Certainty certainty);
// "python3[80] fd 37"; "possibly backup[977] in a message waiting at fd 4".
std::string owner_phrase(const model::Snapshot& snapshot, const model::Owner& owner);
// "www-data(33)", "33".
std::string user_word(const model::Snapshot& snapshot, std::uint32_t uid);
// "net_admin" for 12; "" for one without a name.
std::string_view capability_name(unsigned number);
// "sh[81] holds it too (fd 38, inherited from 80)"; "a[1] (fd 3), b[2] (fd 4) and 90 more hold it". `too`: beside
// those that the tool shows.
std::string holders_phrase(const model::Snapshot& snapshot, const std::vector<const model::Owner*>& owners, bool too);
// "TIME-WAIT"; "state-77" for a number without a name. Families and protocols likewise: "family-77",
// "proto-77".
std::string state_word(std::uint8_t state);
std::string family_word(std::uint16_t family);
std::string protocol_word(std::uint16_t family, std::uint16_t protocol);
// "ip", "all" for 3; "" for one without a name.
std::string_view ethertype_name(std::uint16_t ethertype);
bool is_ip(const model::Socket& socket);
bool is_raw(const model::Socket& socket);  // of an IP family
// Netlink: whether a view told the socket's port, and its peer's. A name of its fd doesn't, /proc/net tells only the first.
bool local_is_known(const model::Socket& socket);
bool peer_is_known(const model::Socket& socket);
// A namespace in a line of text: its name, "own", "unknown", its inode, "?".
std::string namespace_word(const model::Snapshot& snapshot, std::uint32_t netns);
// "eth0"; "" where the interface has no name in that namespace.
std::string_view interface_name(const model::Snapshot& snapshot, std::uint32_t netns, std::uint32_t index);
// "2,500".
std::string grouped_number(std::uint64_t number);
// count(1, "gap") is "1 gap", count(2, "gap") "2 gaps".
std::string count(std::uint64_t number, std::string_view singular);
std::string count(std::uint64_t number, std::string_view singular, std::string_view plural);

}  // namespace ssnap::render
