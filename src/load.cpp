// The definitions that units with CVT_LINK_LOAD link to: how models are made, converted and opened, and the kernels. Compiled once for
// the programs of this repository.
#undef CVT_LINK_LOAD
#include <cvt/convert.hpp>

namespace {

using namespace cvt;

// An inline function is emitted where its address is taken.
struct definitions {
    decltype(&kernels::available) available = &kernels::available;
    decltype(&kernels::select) select = &kernels::select;
    decltype(&cvt::check_kernels) check_kernels = &cvt::check_kernels;
    decltype(&model::load) load = &model::load;
    decltype(&model::from_weights) from_weights = &model::from_weights;
    result<model> (*from_file)(std::span<const std::byte>, const load_options&) noexcept = &model::from_memory;
    result<model> (*from_folder)(const model::memory_folder&, const load_options&) noexcept = &model::from_memory;
    result<checkpoint_source> (*open_path)(const char*, const load_options&) noexcept = &open_checkpoint;
    result<checkpoint_source> (*open_memory)(std::span<const std::byte>, std::string_view, std::string_view,
                                             const load_options&) noexcept = &open_checkpoint;
    result<conversion> (*convert_path)(const char*, const char*, const convert_options&) noexcept = &convert;
    result<conversion> (*convert_opened)(const checkpoint_source&, const char*, const convert_options&) noexcept = &convert;
};
[[maybe_unused]] __attribute__((used)) const definitions all;

}  // namespace
