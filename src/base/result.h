// Result<T>: a value or an Error, for what the caller can recover from.
#pragma once

#include <boost/system/result.hpp>

#include "base/error.h"

namespace ssnap::base {

template <class T>
using Result = boost::system::result<T, Error>;

}  // namespace ssnap::base
