// Parsed messages and frames as JSON, in the words of tests/vectors/wire.json.
#pragma once

#include <nlohmann/json.hpp>

#include "shared/wire/binding.hpp"
#include "shared/wire/handshake.hpp"
#include "shared/wire/peer_frame.hpp"
#include "shared/wire/rendezvous_frame.hpp"
#include "shared/wire/stun.hpp"
#include "shared/wire/transport.hpp"

namespace pinhole::wire::test {

[[nodiscard]] nlohmann::json describe(const BindingRequest& message);
[[nodiscard]] nlohmann::json describe(const BindingResponse& message);
[[nodiscard]] nlohmann::json describe(const HandshakeInitiation& message);
[[nodiscard]] nlohmann::json describe(const HandshakeResponse& message);
[[nodiscard]] nlohmann::json describe(const Retry& message);
[[nodiscard]] nlohmann::json describe(const HandshakePayload& payload);
[[nodiscard]] nlohmann::json describe(const TransportHeader& header);
[[nodiscard]] nlohmann::json describe(const Opener& message);
[[nodiscard]] nlohmann::json describe(const Gone& message);
[[nodiscard]] nlohmann::json describe(const StunRequest& request);
[[nodiscard]] nlohmann::json describe(const Id& id);

[[nodiscard]] nlohmann::json describe(const Keepalive& frame);
[[nodiscard]] nlohmann::json describe(const Challenge& frame);
[[nodiscard]] nlohmann::json describe(const Response& frame);
[[nodiscard]] nlohmann::json describe(const Rekey& frame);
[[nodiscard]] nlohmann::json describe(const Close& frame);
[[nodiscard]] nlohmann::json describe(const EnetFrame& frame);
[[nodiscard]] nlohmann::json describe(const CandidatesFrame& frame);
[[nodiscard]] nlohmann::json describe(const Part& frame);
[[nodiscard]] nlohmann::json describe(const SprayOk& frame);
[[nodiscard]] nlohmann::json describe(const NatBehaviorFrame& frame);
[[nodiscard]] nlohmann::json describe(const Register& frame);
[[nodiscard]] nlohmann::json describe(const Connect& frame);
[[nodiscard]] nlohmann::json describe(const Accept& frame);
[[nodiscard]] nlohmann::json describe(const Refuse& frame);
[[nodiscard]] nlohmann::json describe(const Trickle& frame);
[[nodiscard]] nlohmann::json describe(const Relay& frame);
[[nodiscard]] nlohmann::json describe(const Join& frame);
[[nodiscard]] nlohmann::json describe(const Leave& frame);
[[nodiscard]] nlohmann::json describe(const Release& frame);
[[nodiscard]] nlohmann::json describe(const Registered& frame);
[[nodiscard]] nlohmann::json describe(const Introduction& frame);
[[nodiscard]] nlohmann::json describe(const Members& frame);
[[nodiscard]] nlohmann::json describe(const Error& frame);

}  // namespace pinhole::wire::test
