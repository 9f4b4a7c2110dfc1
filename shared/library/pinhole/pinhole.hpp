// The public face of the library for C++: all that a program needs to be a peer.
//
// What this header includes, all the way down, is the public header set, and `cmake --install`
// copies exactly that. A program starts with these:
//
//     node::Node        a peer as one deterministic object: connect, send, trust, disconnect
//     node::NodeEvent   what it tells: Registered, PeerConnected, MessageReceived, PathChanged, ...
//     node::NodeConfig  what it is told at its birth: id, keys, whose calls it takes
//     net::Driver       joins a node to sockets, a clock and an Asio loop
//     net::UdpSocket    the sockets that exist from the beginning
//     net::Resolver     from what people type, `host[:port]`, to endpoints
//     net::IdentityFile, net::load_group_key, net::identity_path    keys on disk, and where
//     crypto::KeyPair, crypto::SystemRandom                         keys in memory
//
// The rest is what these mention. All of it belongs to one thread: ENet, which carries the
// messages, has one clock for all nodes of a process. Constructing a `Node` throws
// `reliable::EnetUnusable` when the program's ENet does not run on our platform layer, which would
// send plaintext; it does in every program that links ENet after this library.
//
// Installed, the headers stand in include/pinhole as they stand in the source tree, so
// "shared/node/node.hpp" is found there by its own name, too. pinhole.h is the face for C.
#pragma once

#include "shared/net/driver.hpp"
#include "shared/net/key_file.hpp"
#include "shared/net/resolver.hpp"
#include "shared/net/state_dir.hpp"
#include "shared/net/udp_socket.hpp"
#include "shared/node/node.hpp"
