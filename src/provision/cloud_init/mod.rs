//! `cloud_init` steps: user-data as a cloud would hand it to a new machine, carried out by cloud-init inside it.
//!
//! A NoCloud seed, and cloud-init's four stages one after the other: so it works in containers too, where no stage runs by itself.
//! The instance's id comes of the step's digest: other data are another instance.

mod report;
mod user_data;

use super::install::{MISSING, explained};
use super::running::{REPORT_MARK, request};
use super::staging::{SCRIPT_HEAD, Staging};
use super::{Applied, Provisioner, Target, inputs};
use crate::event::Context;
use crate::model::digest::short;
use crate::model::error::Attempt;
use crate::model::step::{CloudInit, GuestTool, Step, Tool};
use crate::model::{Error, Result};

/// Has cloud-init carry user-data out.
pub struct CloudInitProvisioner;

/// What holds unless the user-data say otherwise: who the machine is and how it is reached is not cloud-init's business here.
const SETTINGS: &str = "\
# Written by envup: this machine has its identity and its network already.
datasource_list: [NoCloud, None]
network: {config: disabled}
preserve_hostname: true
ssh_deletekeys: false
ssh_genkeytypes: [ed25519]
no_ssh_fingerprints: true
ssh: {emit_keys_to_console: false}
growpart: {mode: 'off'}
resize_rootfs: false
";

impl Provisioner for CloudInitProvisioner {
    fn validate(&self, step: &Step) -> Result<()> {
        for path in cloud_init(step)?.sources() {
            inputs::exist(step, path)?;
            user_data::check(step, path)?;
        }
        Ok(())
    }

    fn inputs(&self, step: &Step) -> Result<String> {
        let data = cloud_init(step)?;
        let mut digester = inputs::begin(step)?;
        inputs::digest_of_path(digester.part("user-data"), &data.user_data)?;
        if let Some(path) = &data.vendor_data {
            inputs::digest_of_path(digester.part("vendor-data"), path)?;
        }
        for (name, value) in &data.meta_data {
            digester.part("meta-data").part(name).part(value.to_string());
        }
        Ok(digester.finish())
    }

    fn apply(&self, step: &Step, digest: &str, target: &Target<'_>, context: &Context) -> Result<Applied> {
        let data = cloud_init(step)?;
        let mut staging = Staging::new(step)?;
        let arguments = furnish(data, digest, &mut staging)?;
        let applied = staging.run(request(step, digest, target, script(), arguments), target, context)?;
        Ok(explained(applied, GuestTool::CloudInit, target, |applied| {
            report::errors(&applied.report, &applied.output)
        }))
    }
}

fn cloud_init(step: &Step) -> Result<&CloudInit> {
    match &step.tool {
        Tool::CloudInit(data) => Ok(data),
        _ => Err(Error::failed(format!("step {} is not a cloud_init step", step.name))),
    }
}

/// `$1` staging, `$2` the instance's id, `$3` seconds for all stages together. result.json comes last, for us.
fn script() -> String {
    format!(
        r#"{SCRIPT_HEAD}
instance=$2
deadline=$(($(date +%s) + $3))
lib=/var/lib/cloud
if ! command -v cloud-init >/dev/null; then exit {MISSING}; fi
known=$(cat $lib/data/instance-id 2>/dev/null || true)
case $known in
  '' | envup-* | iid-datasource-none) ;;
  *) echo "cloud-init has set this machine up already, as instance $known" >&2; exit 1 ;;
esac
mkdir -p /etc/cloud/cloud.cfg.d $lib/seed
cp "$staging/settings" /etc/cloud/cloud.cfg.d/90-envup.cfg
rm -rf $lib/seed/nocloud
cp -R "$staging/seed" $lib/seed/nocloud
# What is done once for each instance is done again when an attempt at the same one failed; and the last instance, which
# would be taken for this one without a look at the seed, is let go of.
rm -rf "$lib/instances/$instance" $lib/instance /run/cloud-init/result.json
for stage in 'init --local' init 'modules --mode=config' 'modules --mode=final'; do
  left=$((deadline - $(date +%s)))
  code=124
  if [ $left -gt 0 ]; then code=0; timeout $left cloud-init $stage || code=$?; fi
  if [ $code = 124 ]; then
    echo "cloud-init $stage was not done after $3 s: \`timeout\` in the step gives it longer" >&2
    exit 124
  fi
done
result=/run/cloud-init/result.json
if [ ! -s $result ]; then echo "cloud-init wrote no $result" >&2; exit 1; fi
if [ "$(cat $lib/data/instance-id)" != "$instance" ]; then
  echo "cloud-init did not take the data for a new instance: $(cat $lib/data/instance-id) stayed" >&2
  exit 1
fi
if ! grep -q '"errors": \[\]' $result; then
  echo '{REPORT_MARK}'
  cat $result
  exit 1
fi
{SCRIPT_UNITS}"#
    )
}

/// What has been done is what cloud-init's units do when the machine boots again: where systemd runs they are from now on as after that
/// boot, so that it is no drift. They start with nothing left to do, and in their order; what says so goes with this boot, if not
/// before. Whether a boot starts them is for cloud-init's generator to say, which has not seen the seed yet.
const SCRIPT_UNITS: &str = r"
units=/run/systemd/system
if [ ! -d $units ]; then exit 0; fi
# From 24.3 on they are one process, which goes through its stages when units tell it to: those are left as they are.
if systemctl cat cloud-init-main.service >/dev/null 2>&1; then exit 0; fi
for stage in init-local init config final; do
  mkdir -p $units/cloud-$stage.service.d
  printf '[Service]\nExecStart=\nExecStart=/bin/true\n' >$units/cloud-$stage.service.d/envup-done.conf
done
rm -f /run/cloud-init/.ds-identify.result
systemctl daemon-reload
if [ -e /run/cloud-init/enabled ]; then systemctl start cloud-init.target; fi
rm $units/cloud-*.service.d/envup-done.conf
systemctl daemon-reload
";

/// Puts the seed into the staging directory, and says what the script is called with.
fn furnish(data: &CloudInit, digest: &str, staging: &mut Staging) -> Result<Vec<String>> {
    let instance = format!("envup-{}", short(digest));
    let mut meta_data: serde_json::Map<_, _> = data.meta_data.clone().into_iter().collect();
    meta_data.insert("instance-id".to_owned(), instance.clone().into());
    // What is JSON is YAML too.
    let meta_data = serde_json::to_vec(&meta_data).attempt(|| "writing the meta-data")?;
    let seed = staging.at("seed");
    staging.pack.directory(&seed, 0o700)?;
    staging.pack.file(&format!("{seed}/meta-data"), 0o600, &meta_data)?;
    staging.pack.file(&format!("{seed}/user-data"), 0o600, &user_data::read(&data.user_data)?)?;
    if let Some(path) = &data.vendor_data {
        staging.pack.file(&format!("{seed}/vendor-data"), 0o600, &user_data::read(path)?)?;
    }
    staging.pack.file(&staging.at("settings"), 0o644, SETTINGS.as_bytes())?;
    Ok(vec![staging.path.clone(), instance, data.timeout.as_secs().max(1).to_string()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::step::RunPolicy;
    use std::time::Duration;

    /// A stored digest must stay the same from version to version: else an upgrade of the tool runs every step again.
    #[test]
    fn the_digest_is_golden_and_names_the_instance() {
        let directory = tempfile::tempdir().unwrap();
        let user_data = directory.path().join("user-data");
        std::fs::write(&user_data, "#cloud-config\n{}\n").unwrap();
        let data = CloudInit {
            user_data,
            vendor_data: None,
            meta_data: [("app_env".to_owned(), "dev".into())].into(),
            timeout: Duration::from_secs(60),
            install: None,
        };
        let (name, tool, run) = ("ci".to_owned(), Tool::CloudInit(data.clone()), RunPolicy::Changed);
        let step = Step { index: 1, name, tool, run, layer: true, inputs: Vec::new() };
        let digest = CloudInitProvisioner.inputs(&step).unwrap();
        assert_eq!(digest, "7ab700c50d436508e408682373f3d2c5a39f7845623767701ca1fa6280993967");
        let mut staging = Staging::new(&step).unwrap();
        let arguments = furnish(&data, &digest, &mut staging).unwrap();
        assert_eq!(arguments[1..], [format!("envup-{}", &digest[..12]), "60".to_owned()]);
        let archive = staging.pack.finish().unwrap();
        let meta_data = format!(r#"{{"app_env":"dev","instance-id":"envup-{}"}}"#, &digest[..12]);
        assert!(String::from_utf8_lossy(&archive).contains(&meta_data));
    }
}
