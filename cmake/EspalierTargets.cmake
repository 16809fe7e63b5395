# Helpers that own the repetition of a target's declaration.

add_library(espalier_flags INTERFACE)
target_compile_options(espalier_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Werror)
target_include_directories(espalier_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/core)
if(ESPALIER_SANITIZE)
  target_compile_options(espalier_flags INTERFACE -fsanitize=address,undefined -fno-omit-frame-pointer
                                                  -fno-sanitize-recover=undefined)
  target_link_options(espalier_flags INTERFACE -fsanitize=address,undefined)
endif()
if(ESPALIER_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "ESPALIER_FUZZ needs clang: libFuzzer is a part of it (CXX=clang++)")
  endif()
  target_compile_options(espalier_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# What most files include: read once a target, which is a quarter of the time of a file. JSON is not among them: what its
# header instantiates costs every file that has it, precompiled or not. Targets where most files use it add it.
set(espalier_common_headers
  <algorithm> <array> <atomic> <chrono> <cmath> <cstdint> <cstring> <filesystem> <fstream> <functional> <limits> <map>
  <memory> <mutex> <numeric> <optional> <set> <span> <string> <string_view> <thread> <unordered_map> <utility> <variant>
  <vector> <fmt/format.h>)

# espalier_precompile(TARGET [headers ...]): these and the common ones, precompiled, where a target has files enough to
# earn it. Every file still includes what it uses: clang-tidy reads it without them.
function(espalier_precompile target)
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "\\.cpp$")
  list(LENGTH sources count)
  if(count GREATER_EQUAL 5)
    target_precompile_headers(${target} PRIVATE ${espalier_common_headers} ${ARGN})
  endif()
endfunction()

# espalier_add_library(NAME SOURCES ... [DEPENDS rooms ...] [LIBRARIES public ...] [PRIVATE_LIBRARIES ...]
#                      [PRECOMPILE headers ...] [TORCH])
# Makes the target espalier_NAME. DEPENDS are rooms below this one, without their prefix. TORCH links libtorch
# privately and reuses the one torch precompiled header; PRECOMPILE adds to the common ones.
function(espalier_add_library name)
  cmake_parse_arguments(arg "TORCH" "" "SOURCES;DEPENDS;LIBRARIES;PRIVATE_LIBRARIES;PRECOMPILE" ${ARGN})
  add_library(espalier_${name} STATIC ${arg_SOURCES})
  list(TRANSFORM arg_DEPENDS PREPEND espalier_)
  target_link_libraries(espalier_${name} PUBLIC espalier_flags ${arg_DEPENDS} ${arg_LIBRARIES}
                                         PRIVATE ${arg_PRIVATE_LIBRARIES})
  if(arg_TORCH)
    espalier_use_torch(espalier_${name})
  else()
    espalier_precompile(espalier_${name} ${arg_PRECOMPILE})
  endif()
endfunction()

# Links libtorch and reuses its precompiled header.
function(espalier_use_torch target)
  target_link_libraries(${target} PRIVATE espalier_torch)
  if(NOT target STREQUAL "espalier_torch_pch")
    target_precompile_headers(${target} REUSE_FROM espalier_torch_pch)
  endif()
endfunction()

# espalier_add_test(NAME SOURCES ... DEPENDS rooms ... [LIBRARIES ...] [TORCH] [LABELS ...] [TIMEOUT seconds]
#                   [PRECOMPILE headers ...])
# One test program of GoogleTest cases; every case is its own ctest entry. LABELS: slow, gui, real (needs real data).
function(espalier_add_test name)
  if(NOT ESPALIER_TESTS)
    return()
  endif()
  cmake_parse_arguments(arg "TORCH;NO_MAIN" "TIMEOUT" "SOURCES;DEPENDS;LIBRARIES;LABELS;PRECOMPILE" ${ARGN})
  add_executable(test_${name} ${arg_SOURCES})
  list(TRANSFORM arg_DEPENDS PREPEND espalier_)
  target_link_libraries(test_${name} PRIVATE espalier_flags espalier_test_support ${arg_DEPENDS} ${arg_LIBRARIES}
                                             GTest::gtest)
  if(NOT arg_NO_MAIN)
    target_link_libraries(test_${name} PRIVATE espalier_test_main)
  endif()
  if(arg_TORCH)
    espalier_use_torch(test_${name})
  else()
    # Assertions are most of a test's code; they take a third less time to compile so. With libtorch the flags are those of
    # its precompiled header.
    target_compile_options(test_${name} PRIVATE $<$<CONFIG:Release>:-O1>)
    espalier_precompile(test_${name} <gtest/gtest.h> ${arg_PRECOMPILE})
  endif()
  set_target_properties(test_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  # One ctest entry a program: a start of libtorch costs half a second, so an entry a case would triple the run.
  add_test(NAME ${name} COMMAND test_${name} --gtest_brief=1)
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT}
    ENVIRONMENT "QT_QPA_PLATFORM=offscreen;OMP_WAIT_POLICY=passive;OPENBLAS_CORETYPE=SKYLAKEX")
endfunction()
