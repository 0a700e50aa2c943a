// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/interface.h"

namespace dragoman {
namespace {

constexpr char kDescription[] =
#include "worker_interface.inc"
    ;

}  // namespace

GDBusInterfaceInfo* worker_interface() {
  static GDBusNodeInfo* const node = g_dbus_node_info_new_for_xml(kDescription, nullptr);
  return g_dbus_node_info_lookup_interface(node, kWorkerInterface);
}

}  // namespace dragoman
