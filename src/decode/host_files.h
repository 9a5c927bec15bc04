// Host-wide files that turn numbers into names and ticks into times.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/problem.h"

namespace ssnap::decode {

// /etc/passwd: "root:x:0:0:root:/root:/bin/bash". Lines of NIS ("+...") and comments are passed over.
struct PasswdRow {
  std::string name;
  std::uint32_t uid = 0;
};
base::Decoded<PasswdRow> decode_passwd(std::string_view bytes);

// /etc/services: "https 443/tcp www-ssl # comment". Lines of comments are passed over.
struct ServicesRow {
  std::string name;
  std::uint16_t port = 0;
  std::string protocol;
  std::vector<std::string> aliases;
};
base::Decoded<ServicesRow> decode_services(std::string_view bytes);

// /proc/sys/net/ipv4/ip_local_port_range: "32768\t60999". nullopt: not that.
struct LocalPortRange {
  std::uint16_t first = 0, last = 0;
};
std::optional<LocalPortRange> decode_ip_local_port_range(std::string_view bytes);

// /etc/protocols: "icmp 1 ICMP # comment".
struct IpProtocolRow {
  std::string name;
  std::uint32_t number = 0;
};
base::Decoded<IpProtocolRow> decode_protocols(std::string_view bytes);

// /proc/stat (show_stat, fs/proc/stat.c): the boot time, seconds since the epoch, from its line "btime".
std::optional<std::int64_t> decode_proc_stat_btime(std::string_view bytes);

// The same file's line "processes": processes and threads made since boot (total_forks).
std::optional<std::uint64_t> decode_proc_stat_processes(std::string_view bytes);

// /proc/loadavg (loadavg_proc_show, fs/proc/loadavg.c): the threads that there are, behind the slash of the fourth word.
std::optional<std::uint64_t> decode_proc_loadavg_threads(std::string_view bytes);
// Its last word: the number that was given away last, in the pid namespace of the reader.
std::optional<std::int64_t> decode_proc_loadavg_last_pid(std::string_view bytes);

// /proc/uptime (uptime_proc_show): seconds since boot, in hundredths.
std::optional<std::int64_t> decode_proc_uptime_csec(std::string_view bytes);

}  // namespace ssnap::decode
