// What the files of --as netstat share.
#pragma once

#include <string>
#include <string_view>

#include "model/net_tables.h"
#include "render/netstat.h"

namespace ssnap::render::netstat_parts {

// printf's %-Ns and %Ns: they count bytes.
std::string left(std::string text, std::size_t bytes);
std::string right(std::string text, std::size_t bytes);

// An address as `-n` prints it, or without it where no name was found for it: `any` for 0.0.0.0 and ::.
std::string host(const base::IpAddress& address, bool numeric, std::string_view any);

void add_routes(const model::NetTables& tables, const NetstatOptions& options, NetstatAnswer& answer);
void add_interfaces(const model::NetTables& tables, const NetstatOptions& options, NetstatAnswer& answer);
void add_statistics(const model::NetTables& tables, const NetstatOptions& options, NetstatAnswer& answer);
// False where netstat would give up.
bool add_groups(const model::NetTables& tables, bool inet, bool inet6, bool asked, NetstatAnswer& answer);

}  // namespace ssnap::render::netstat_parts
