// The functions of the table in findings.cc, one file each; docs/findings.md says how each of them decides.
#pragma once

#include <vector>

#include "analyze/rules/scene.h"

namespace ssnap::analyze {

void find_close_wait(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings);
void find_deleted_executable(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings);
void find_drops(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings);
void find_ephemeral_ports(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings);
void find_full_accept_queue(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings);
void find_held_without_fd(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings);
void find_kernel_thread_name(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings);
void find_magic_filter(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings);
void find_namespace_without_process(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings);
void find_open_listener(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings);
void find_orphans(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings);
void find_packet_socket(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings);
void find_raw_socket(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings);
void find_retransmissions(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings);
void find_shared_listener(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings);
void find_shell_on_socket(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings);
void find_temporary_executable(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings);

}  // namespace ssnap::analyze
