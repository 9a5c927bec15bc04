// The tables of /proc/net that are not about sockets, on their way to the model: nothing is joined or merged.
#pragma once

#include "decode/proc_net_dev.h"
#include "decode/proc_net_igmp.h"
#include "decode/proc_net_route.h"
#include "decode/proc_net_snmp.h"
#include "reconstruct/records.h"

namespace ssnap::reconstruct {

std::vector<model::InterfaceCounters> to_model(const std::vector<decode::ProcNetDevRow>& rows);
std::vector<model::Route> to_model(std::vector<decode::ProcNetRouteRow> rows);
std::vector<model::GroupMembership> to_model(std::vector<decode::ProcNetIgmpRow> rows);
std::vector<model::CounterSection> to_model(std::vector<decode::ProcNetSnmpSection> sections);

// Links, addresses and their labels of a namespace, for its tables.
void add_interfaces(model::NetTables& tables, const decode::RtnetlinkDump& dump);

}  // namespace ssnap::reconstruct
