//! Temperature, throttling and supply voltage.

use crate::base::machine::Machine;

/// Sensors that are not there report nonsense such as −273 or 255.
const PLAUSIBLE_C: std::ops::Range<f32> = -40.0..150.0;

/// What the processor does about heat and a weak supply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Power {
    /// The processor runs slower than it could, because of heat or voltage; `None` where the machine
    /// does not say.
    pub is_throttled: Option<bool>,
    /// The supply's voltage is too low now; `None` where the machine does not say.
    pub is_under_voltage: Option<bool>,
    /// The same at some time since the machine started.
    pub was_under_voltage: Option<bool>,
}

/// Bits of the Raspberry Pi firmware's word, as its documentation of `get_throttled` has them.
const UNDER_VOLTAGE: u32 = 1;
const FREQUENCY_CAPPED: u32 = 1 << 1;
const THROTTLED: u32 = 1 << 2;
const SOFT_LIMIT: u32 = 1 << 3;
const WAS_UNDER_VOLTAGE: u32 = 1 << 16;

/// Where Raspberry Pi kernels show that word: in a node of the firmware, on a bus that is called `soc`, `axi` or
/// `soc@` and an address.
const BUSES: &str = "sys/devices/platform";

impl Machine {
    /// The hottest thermal zone.
    pub fn temperature_c(&self) -> Option<f32> {
        self.folders("sys/class/thermal", "thermal_zone")
            .iter()
            .filter_map(|zone| self.line(&format!("{zone}/temp"))?.parse::<f32>().ok())
            .map(|thousandths| thousandths / 1_000.0)
            .filter(|degrees| PLAUSIBLE_C.contains(degrees))
            .max_by(f32::total_cmp)
    }

    /// Throttling and voltage, from the Raspberry Pi's firmware, its voltage sensor, and cooling
    /// devices that slow the processor down.
    pub fn power(&self) -> Power {
        let word = self.firmware_word();
        let bit = |mask: u32| word.map(|word| word & mask != 0);
        Power {
            is_throttled: bit(FREQUENCY_CAPPED | THROTTLED | SOFT_LIMIT)
                .or_else(|| self.is_cooled_by_slowing()),
            is_under_voltage: bit(UNDER_VOLTAGE).or_else(|| self.voltage_alarm()),
            was_under_voltage: bit(WAS_UNDER_VOLTAGE).or_else(|| self.voltage_alarm()),
        }
    }

    fn firmware_word(&self) -> Option<u32> {
        let buses = self.folders(BUSES, "soc").into_iter().chain(self.folders(BUSES, "axi"));
        let nodes = buses.flat_map(|bus| self.folders(&bus, "soc"));
        nodes.filter(|node| node.ends_with(":firmware")).find_map(|node| {
            let line = self.line(&format!("{node}/get_throttled"))?;
            u32::from_str_radix(line.trim_start_matches("0x"), 16).ok()
        })
    }

    /// `rpi_volt` of mainline kernels: an alarm that stays up for as long as the voltage is low.
    fn voltage_alarm(&self) -> Option<bool> {
        self.folders("sys/class/hwmon", "hwmon")
            .iter()
            .find(|sensor| self.line(&format!("{sensor}/name")).as_deref() == Some("rpi_volt"))
            .and_then(|sensor| self.line(&format!("{sensor}/in0_lcrit_alarm")))
            .map(|alarm| alarm != "0")
    }

    /// Passive cooling: the kernel lowers the processor's clock. Fans cool, too, and slow nothing.
    fn is_cooled_by_slowing(&self) -> Option<bool> {
        let states: Vec<u32> = self
            .folders("sys/class/thermal", "cooling_device")
            .iter()
            .filter(|device| {
                self.line(&format!("{device}/type")).is_some_and(|name| {
                    let name = name.to_lowercase();
                    name.contains("cpufreq") || name.contains("processor")
                })
            })
            .filter_map(|device| self.line(&format!("{device}/cur_state"))?.parse().ok())
            .collect();
        (!states.is_empty()).then(|| states.iter().any(|&state| 0 < state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::machine::tree::machine;

    #[test]
    fn the_hottest_plausible_sensor_counts() {
        let (_dir, machine) = machine(&[
            ("sys/class/thermal/thermal_zone0/temp", "51234\n"),
            ("sys/class/thermal/thermal_zone1/temp", "63500\n"),
            ("sys/class/thermal/thermal_zone2/temp", "255000\n"),
            ("sys/class/thermal/thermal_zone3/temp", "-273200\n"),
            ("sys/class/thermal/thermal_zone4/type", "no temperature here\n"),
        ]);
        assert_eq!(machine.temperature_c(), Some(63.5));
    }

    #[test]
    fn the_firmware_word_is_read_bit_by_bit() {
        let path = "sys/devices/platform/soc/soc:firmware/get_throttled";
        let newer = "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled";
        assert_eq!(machine(&[(newer, "8\n")]).1.power().is_throttled, Some(true));
        for (word, throttled, low, was_low) in [
            ("0\n", false, false, false),
            ("50005\n", true, true, true),
            ("0x50000\n", false, false, true),
            ("8\n", true, false, false),
        ] {
            let (_dir, machine) = machine(&[(path, word)]);
            let power = machine.power();
            assert_eq!(power.is_throttled, Some(throttled), "{word}");
            assert_eq!(power.is_under_voltage, Some(low), "{word}");
            assert_eq!(power.was_under_voltage, Some(was_low), "{word}");
        }
    }

    #[test]
    fn without_firmware_the_sensor_and_the_cooling_tell() {
        let (_dir, machine) = machine(&[
            ("sys/class/hwmon/hwmon0/name", "cpu_thermal\n"),
            ("sys/class/hwmon/hwmon1/name", "rpi_volt\n"),
            ("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n"),
            ("sys/class/thermal/cooling_device0/type", "gpio-fan\n"),
            ("sys/class/thermal/cooling_device0/cur_state", "3\n"),
            ("sys/class/thermal/cooling_device1/type", "cpufreq-cpu0\n"),
            ("sys/class/thermal/cooling_device1/cur_state", "0\n"),
        ]);
        let power = machine.power();
        assert_eq!(power.is_under_voltage, Some(true));
        assert_eq!(power.is_throttled, Some(false), "a fan slows nothing down");
    }

    #[test]
    fn a_machine_that_does_not_say_is_not_called_well() {
        assert_eq!(machine(&[]).1.power(), Power::default());
    }
}
