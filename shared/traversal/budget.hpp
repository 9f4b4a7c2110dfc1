// How many self-started bytes an IP address has to endure before it has proven anything.
//
// An introduction names addresses that we have never heard from; what we send there by ourselves
// (openers, message 1, challenges) is bounded per destination IP. A path that answered a challenge
// is validated (RFC 9000 8.1) and no longer asks here. Knows neither routes nor messages.
#pragma once

#include "shared/base/bounded_vector.hpp"
#include "shared/base/endpoint.hpp"
#include "shared/base/time.hpp"

namespace pinhole::traversal {

/// For an address that the server vouched for, per introduction.
inline constexpr std::size_t kBudgetPerIntroduction = 5000;
/// For an address on the peer's word alone, for each observed source, and for each later retry.
inline constexpr std::size_t kBudgetOnTrust = 1000;
/// Between two shares of one address on trust: 1 kB in half a minute, however often there is hope.
inline constexpr Duration kBudgetRenewal = 30s;
/// Openers and message 1 leave this much for the challenges that come after them.
inline constexpr std::size_t kBudgetForChallenges = 1000;
/// Distinct addresses per introduction; eight candidates a side, and room for observed sources.
inline constexpr std::size_t kBudgetAddressesMax = 32;

class Budget {
  public:
    /// A new introduction: all addresses start over, except those that had a share lately. Else a
    /// peer who plays dead, and is introduced anew each time, would make a stream of the tries.
    void reset(Instant now);
    /// At least `bytes` may go to `ip` from now on. Nothing happens when the table is full.
    void grant(Instant now, const IpAddress& ip, std::size_t bytes);
    /// As `grant`, but only for an address that has no entry yet.
    void grant_new(Instant now, const IpAddress& ip, std::size_t bytes);
    /// As `grant`, for another try at an address: at most every `kBudgetRenewal`, so that a peer
    /// who keeps giving hope cannot make a stream of the tries.
    void renew(Instant now, const IpAddress& ip, std::size_t bytes);
    /// Takes `bytes` from what is left for `ip`. False, and nothing taken, when less than `bytes`
    /// and `reserve` together are left.
    [[nodiscard]] bool spend(const IpAddress& ip, std::size_t bytes, std::size_t reserve = 0);

  private:
    struct Entry {
        IpAddress ip;
        std::size_t left = 0;
        Instant granted_at;
    };
    [[nodiscard]] Entry* find(const IpAddress& ip);

    BoundedVector<Entry, kBudgetAddressesMax> entries_;
};

}  // namespace pinhole::traversal
