// The definitions that units without load.hpp link to: how models are made, and the kernels. Compiled once for the
// programs of this repository.
#undef CVT_LINK_LOAD
#include <cvt/load.hpp>

namespace {

template <class Function>
struct emitted {
    Function* function;
};
template <class Function>
emitted(Function*) -> emitted<Function>;

// An inline function is emitted where its address is taken.
[[maybe_unused]] __attribute__((used)) const emitted available{&cvt::kernels::available};
[[maybe_unused]] __attribute__((used)) const emitted select_kernels{&cvt::kernels::select};
[[maybe_unused]] __attribute__((used)) const emitted check_kernels{&cvt::check_kernels};
[[maybe_unused]] __attribute__((used)) const emitted load{&cvt::model::load};
[[maybe_unused]] __attribute__((used)) const emitted from_weights{&cvt::model::from_weights};
[[maybe_unused]] __attribute__((used)) const emitted from_file{
    static_cast<cvt::result<cvt::model> (*)(std::span<const std::byte>, const cvt::load_options&) noexcept>(&cvt::model::from_memory)};
[[maybe_unused]] __attribute__((used))
const emitted from_folder{static_cast<cvt::result<cvt::model> (*)(const cvt::model::memory_folder&, const cvt::load_options&) noexcept>(
    &cvt::model::from_memory)};

}  // namespace
