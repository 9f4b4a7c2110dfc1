// The words `key=value` that describe a link or a NAT, in a topology and in a control command.
//
// links     delay= jitter= loss= dup= reorder= reorder_by= rate= queue= mtu= icmp=on|off
// keep_order=
//           up|dn before a dot names one direction: up.rate=1mbit; icmp=off: no word about what
//           exceeds the mtu
// NATs      profile= (a name of tests/lab/nat_profiles, or none = open, apdm_random = apdm_apdf_r)
//           map=EIM|ADM|APDM filter=EIF|ADF|APDF alloc=preserve|seq|random step= ports=A-B block=
//           hairpin=0|1|filtered|int pooling=paired|arbitrary timeout= timeout1= refresh_in=
//           per_host= overload= race= reject= fragments=pass|first|drop udp=pass|block
//
// Durations end in us, ms, s or min; rates in bit, kbit, mbit or gbit; probabilities are numbers
// from 0 to 1 or end in %; sizes are bytes or end in k; switches are 0 or 1.
#pragma once

#include <stdexcept>
#include <string>

#include "tests/vnet/topology.hpp"

namespace pinhole::vnet {

/// An option is wrong; the message quotes it.
class OptionError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

struct Option {
    std::string_view key;
    std::string_view value;
};

/// Splits "key=value"; throws `OptionError` if there is no "=" or one side is empty.
[[nodiscard]] Option split_option(std::string_view word);

/// True if this was an option of a link, and is now set. Throws `OptionError` on a bad value.
[[nodiscard]] bool set_link_option(Uplink& link, Option option);

/// The same for a NAT. `profile` replaces all the others at once.
[[nodiscard]] bool set_nat_option(lab::NatProfile& profile, Option option);

/// A profile by its name. Throws `OptionError`.
[[nodiscard]] lab::NatProfile profile_from(std::string_view name);

}  // namespace pinhole::vnet
