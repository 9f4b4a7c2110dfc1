// What an eavesdropper has seen, and what he makes of it: replays, mutations, inventions.
#pragma once

#include <array>
#include <vector>

#include "shared/base/random.hpp"
#include "tests/lab/lab.hpp"

namespace pinhole::lab {

/// Genuine datagrams by kind, as they were put on the wire.
class Eavesdropper {
  public:
    struct Seen {
        Endpoint source;
        Endpoint destination;
        ByteVector payload;
    };
    /// Datagrams of one kind that are kept; later ones push out a random earlier one, so that all
    /// ages are there.
    static constexpr std::size_t kKeptPerKind = 400;

    /// Listens to everything in `lab` from now on, until `stop`.
    explicit Eavesdropper(Lab& lab) : random_(lab.random("eavesdropper")) {
        lab.trace().observe([this](const TraceEvent& event) { note(event); });
    }
    void stop() { listens_ = false; }

    [[nodiscard]] const std::vector<Seen>& of_kind(std::uint8_t kind) const {
        return kept_.at(kind);
    }
    [[nodiscard]] const Seen& any(Random& random) const;
    /// Something of every kind that a genuine talk has.
    [[nodiscard]] bool has_heard_all(std::initializer_list<std::uint8_t> kinds) const;

  private:
    void note(const TraceEvent& event);

    std::unique_ptr<Random> random_;
    bool listens_ = true;
    std::array<std::vector<Seen>, 16> kept_;
};

/// A datagram made of what was heard.
class Forger {
  public:
    Forger(const Eavesdropper& ear, Random& random) : ear_(ear), random_(random) {}

    /// The next one: a replay, a mutation or an invention, as chance has it.
    [[nodiscard]] ByteVector next();
    /// A transport message with a genuine header, a fresh counter and ENet commands in the open.
    [[nodiscard]] ByteVector transport_with_enet();

  private:
    [[nodiscard]] ByteVector invented();
    void flip_bits(ByteVector& bytes);
    void resize(ByteVector& bytes);
    void splice(ByteVector& bytes);

    const Eavesdropper& ear_;
    Random& random_;
};

}  // namespace pinhole::lab
