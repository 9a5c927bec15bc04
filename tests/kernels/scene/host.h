// The machine under the scene: its kernel's release and settings.
#pragma once

namespace scene {

// Whether the running kernel is of this version or a later one.
bool kernel_is_at_least(int major, int minor);
// Sockets that are bound and neither listen nor are connected are in inet_diag since 6.8.
bool lists_bound_sockets();

void write_file(const char* path, const char* text);
void interface_up(const char* name);

}  // namespace scene
