# Every outside library, found in one place. All are Debian 12 packages; newer releases work too.

find_package(Threads REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(fmt REQUIRED)
find_package(ICU 70 REQUIRED COMPONENTS uc)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(ZLIB REQUIRED)
if(ESPALIER_TESTS)
  find_package(GTest REQUIRED)
endif()
if(ESPALIER_FUZZ)
  return()  # the readers need no more
endif()
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(SQLite3 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(OneDNN REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(Protobuf REQUIRED)
find_package(ONNX 1.12 CONFIG REQUIRED)
add_library(espalier_onnx INTERFACE)
if(TARGET ONNX::onnx)
  target_link_libraries(espalier_onnx INTERFACE ONNX::onnx ONNX::onnx_proto)
else()
  target_link_libraries(espalier_onnx INTERFACE onnx onnx_proto)  # before 1.17
endif()
find_package(Torch 1.13 REQUIRED)

if(ESPALIER_GUI)
  find_package(Qt6 6.4 REQUIRED COMPONENTS Widgets Svg Test)
endif()
if(ESPALIER_TESTS)
  find_package(benchmark REQUIRED)
endif()
if(ESPALIER_GUI AND ESPALIER_TESTS)
  # Qt's own target defines the folder of the build for every file, which would then never come out of the compiler's cache
  # in another folder.
  add_library(espalier_qt_test INTERFACE)
  target_link_libraries(espalier_qt_test INTERFACE $<LINK_ONLY:Qt6::Test>)
  target_include_directories(espalier_qt_test SYSTEM INTERFACE $<TARGET_PROPERTY:Qt6::Test,INTERFACE_INCLUDE_DIRECTORIES>)
endif()

# libtorch's own target puts /usr/include in front and carries compile flags; ours marks its headers as system ones.
add_library(espalier_torch INTERFACE)
# at::parallel_for lies in a header: without OpenMP's flag it compiles to a plain loop.
target_link_libraries(espalier_torch INTERFACE ${TORCH_LIBRARIES} OpenMP::OpenMP_CXX)
# GCC 13 and later see an overrun where libtorch's autograd functions reserve room for flags: there is none.
target_compile_options(espalier_torch INTERFACE
  "$<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_GREATER_EQUAL:$<CXX_COMPILER_VERSION>,13>>:-Wno-array-bounds;-Wno-stringop-overflow>")
if(ESPALIER_SANITIZE)
  # What the sanitizers add makes GCC see libtorch's empty optionals as read.
  target_compile_options(espalier_torch INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endif()
if(TARGET torch_cuda)
  # Where libtorch has CUDA: events and graphs of core/network/gpu.cpp.
  find_package(CUDAToolkit REQUIRED)
  target_compile_definitions(espalier_torch INTERFACE ESPALIER_CUDA)
  target_link_libraries(espalier_torch INTERFACE CUDA::cudart)
endif()
foreach(directory ${TORCH_INCLUDE_DIRS})
  if(NOT directory STREQUAL "/usr/include")
    target_include_directories(espalier_torch SYSTEM INTERFACE ${directory})
  endif()
endforeach()
