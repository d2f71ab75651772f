-- A history of schema version 1, as three nights left it. Never edit it: later versions must open it.
BEGIN TRANSACTION;
CREATE TABLE baselines (id INTEGER PRIMARY KEY, scenario TEXT NOT NULL, package TEXT NOT NULL, arm TEXT NOT NULL, version TEXT NOT NULL, lock TEXT,
           trace TEXT, deterministic INTEGER, moment TEXT NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL,
           run TEXT NOT NULL);
INSERT INTO "baselines" VALUES(1,'toy','toy','plain','1.0','67d36b5394326adb04ccb5a115c4b1ad6ccd78e97d0a4619707fb589c4a268f8','71e9968110b6b0eeea686f6ad579c1e1e048767aea862b461a7261aa52170b45',1,'2024-02-01T23:00:00+00:00','the first night','the newest good release','');
CREATE TABLE boundaries (scenario TEXT NOT NULL, package TEXT NOT NULL, arm TEXT NOT NULL, signal TEXT NOT NULL, kind TEXT NOT NULL, before TEXT NOT NULL,
           after TEXT NOT NULL, night INTEGER NOT NULL, run TEXT NOT NULL, closed INTEGER, closed_by TEXT,
           PRIMARY KEY (scenario, package, arm, signal, kind, before, after));
INSERT INTO "boundaries" VALUES('toy','toy','plain','trace','changed','1.0','2.0',2,'20240202T230000Z-toy',NULL,NULL);
INSERT INTO "boundaries" VALUES('toy','toy','plain','verdict','fixed','2.0','2.1',3,'20240203T230000Z-toy',NULL,NULL);
INSERT INTO "boundaries" VALUES('toy','toy','plain','trace','changed','2.0','2.1',3,'20240203T230000Z-toy',NULL,NULL);
INSERT INTO "boundaries" VALUES('toy','toy','plain','verdict','regressed','1.0','2.0',2,'20240202T230000Z-toy',3,'2.1');
CREATE TABLE events (id INTEGER PRIMARY KEY, night INTEGER NOT NULL REFERENCES nights, scenario TEXT NOT NULL, package TEXT NOT NULL, arm TEXT NOT NULL,
           kind TEXT NOT NULL, release TEXT NOT NULL, text TEXT NOT NULL, run TEXT NOT NULL);
INSERT INTO "events" VALUES(1,1,'toy','toy','plain','baseline','1.0','toy 1.0 is the baseline of plain from now on: the newest good release; two executions are equal bit for bit','');
INSERT INTO "events" VALUES(2,2,'toy','toy','plain','regressed','2.0','toy 2.0 breaks plain: non-finite loss at step 3, forward; the last good release is 1.0','20240202T230000Z-toy');
INSERT INTO "events" VALUES(3,3,'toy','toy','plain','fixed','2.1','toy 2.1 is good again in plain: what broke in 2.0 is over','20240203T230000Z-toy');
CREATE TABLE listed (scenario TEXT NOT NULL, package TEXT NOT NULL, version TEXT NOT NULL,
           uploaded TEXT, yanked INTEGER NOT NULL, gone INTEGER NOT NULL, night INTEGER NOT NULL,
           PRIMARY KEY (scenario, package, version));
INSERT INTO "listed" VALUES('toy','toy','1.0','2024-02-01T08:00:00+00:00',0,0,1);
INSERT INTO "listed" VALUES('toy','toy','2.0','2024-02-01T08:00:00+00:00',0,0,2);
INSERT INTO "listed" VALUES('toy','toy','2.1','2024-02-01T08:00:00+00:00',0,0,3);
CREATE TABLE nights (id INTEGER PRIMARY KEY, started TEXT NOT NULL, ended TEXT, code INTEGER,
           headline TEXT, host TEXT);
INSERT INTO "nights" VALUES(1,'2024-02-01T23:00:00+00:00','2026-11-25T09:11:28+00:00',0,'No regression (1 baseline): toy 1.0 is the baseline of plain from now on: the newest good release; two executions are equal bit for bit','host');
INSERT INTO "nights" VALUES(2,'2024-02-02T23:00:00+00:00','2026-11-25T09:11:29+00:00',1,'New regression: toy 2.0 breaks plain: non-finite loss at step 3, forward; the last good release is 1.0','host');
INSERT INTO "nights" VALUES(3,'2024-02-03T23:00:00+00:00','2026-11-25T09:11:30+00:00',0,'Fixed: toy 2.1 is good again in plain: what broke in 2.0 is over','host');
CREATE TABLE pinned (scenario TEXT NOT NULL, package TEXT NOT NULL, lock TEXT NOT NULL,
           PRIMARY KEY (scenario, package));
INSERT INTO "pinned" VALUES('toy','toy','# lock: policy fixed, Python 3.11, linux-x86_64
helper==1.0 \
    --hash=sha256:aed3f502f3460c98e7774b11f964eac8de172f3d5ec205b573001e369e313705
toy==1.0 \
    --hash=sha256:c4f7a16477bad6c91c3f8158d062353deee30e47b4f1a9ee6518ec53175d851c
');
CREATE TABLE probes (probe TEXT NOT NULL, repeat INTEGER NOT NULL, scenario TEXT NOT NULL, package TEXT NOT NULL, arm TEXT NOT NULL, version TEXT NOT NULL,
           seed INTEGER NOT NULL, night INTEGER, moment TEXT NOT NULL, device TEXT NOT NULL, start TEXT NOT NULL,
           lock TEXT NOT NULL, trace TEXT, verdict TEXT NOT NULL, reason TEXT NOT NULL, effect TEXT,
           effect_value, effect_bound, environment_seconds REAL, import_seconds REAL, training_seconds REAL,
           steps INTEGER NOT NULL, memory_peak INTEGER, device_memory_peak INTEGER, final_loss,
           PRIMARY KEY (probe, repeat, scenario, package, arm));
INSERT INTO "probes" VALUES('e2a97dc2d1d84458c4bf25f2cf9d77d0a5fe338aee1d07aebc37a795af0135de',0,'toy','toy','plain','1.0',0,1,'2026-11-25T09:11:27.987+00:00','cpu','clean','67d36b5394326adb04ccb5a115c4b1ad6ccd78e97d0a4619707fb589c4a268f8','71e9968110b6b0eeea686f6ad579c1e1e048767aea862b461a7261aa52170b45','good','finite over 5 steps, mean loss of the last 2 steps 0.225 < 0.5','mean loss of the last 2 steps',0.225,0.5,0.077,2.6783466339111328125e-02,7.29789971956051886081e-05,5,70410240,NULL,0.2);
INSERT INTO "probes" VALUES('e2a97dc2d1d84458c4bf25f2cf9d77d0a5fe338aee1d07aebc37a795af0135de',1,'toy','toy','plain','1.0',0,1,'2026-11-25T09:11:28.018+00:00','cpu','clean','67d36b5394326adb04ccb5a115c4b1ad6ccd78e97d0a4619707fb589c4a268f8','71e9968110b6b0eeea686f6ad579c1e1e048767aea862b461a7261aa52170b45','good','finite over 5 steps, mean loss of the last 2 steps 0.225 < 0.5','mean loss of the last 2 steps',0.225,0.5,0.077,2.58147716522216796875e-02,7.47010017221327871084e-05,5,70410240,NULL,0.2);
INSERT INTO "probes" VALUES('61b5afe6db0d1ad28611806cd68abbedab62ce4a2186cf21a59f965a5626433b',0,'toy','toy','plain','2.0',0,2,'2026-11-25T09:11:28.632+00:00','cpu','clean','95723803545e27cdc88c5d032021fb856437bc12fa69e0a677a185e89c518abf','71d458454cfb41e298bb136b553ef787fb3fc6aaa2af64839dd37c16dc450707','bad','non-finite loss at step 3, forward',NULL,NULL,NULL,0.086,2.640533447265625e-02,7.63530006224755197763e-05,3,84676608,NULL,'NaN');
INSERT INTO "probes" VALUES('61b5afe6db0d1ad28611806cd68abbedab62ce4a2186cf21a59f965a5626433b',1,'toy','toy','plain','2.0',0,2,'2026-11-25T09:11:28.663+00:00','cpu','clean','95723803545e27cdc88c5d032021fb856437bc12fa69e0a677a185e89c518abf','71d458454cfb41e298bb136b553ef787fb3fc6aaa2af64839dd37c16dc450707','bad','non-finite loss at step 3, forward',NULL,NULL,NULL,0.086,2.58071422576904296875e-02,7.53829990571830421686e-05,3,84676608,NULL,'NaN');
INSERT INTO "probes" VALUES('0156deda8cba6250bb7e119d66a01562a934e686e412dd50c45602cf760785b5',0,'toy','toy','plain','2.1',0,3,'2026-11-25T09:11:29.993+00:00','cpu','clean','bd4fae77fbdf623ff3bb98a1dc6d4d02f3bddefbabe0c56ccbdffe35cdd8d68d','71e9968110b6b0eeea686f6ad579c1e1e048767aea862b461a7261aa52170b45','good','finite over 5 steps, mean loss of the last 2 steps 0.225 < 0.5','mean loss of the last 2 steps',0.225,0.5,0.085,2.6775836944580078125e-02,7.67839992477092891931e-05,5,123248640,NULL,0.2);
INSERT INTO "probes" VALUES('0156deda8cba6250bb7e119d66a01562a934e686e412dd50c45602cf760785b5',1,'toy','toy','plain','2.1',0,3,'2026-11-25T09:11:30.069+00:00','cpu','clean','bd4fae77fbdf623ff3bb98a1dc6d4d02f3bddefbabe0c56ccbdffe35cdd8d68d','71e9968110b6b0eeea686f6ad579c1e1e048767aea862b461a7261aa52170b45','good','finite over 5 steps, mean loss of the last 2 steps 0.225 < 0.5','mean loss of the last 2 steps',0.225,0.5,0.085,2.6459217071533203125e-02,7.57429988880176097154e-05,5,123248640,NULL,0.2);
CREATE TABLE releases (scenario TEXT NOT NULL, package TEXT NOT NULL, arm TEXT NOT NULL, version TEXT NOT NULL, state TEXT NOT NULL, verdict TEXT,
           reason TEXT, tries INTEGER NOT NULL, night INTEGER NOT NULL,
           PRIMARY KEY (scenario, package, arm, version));
INSERT INTO "releases" VALUES('toy','toy','plain','1.0','settled',NULL,NULL,0,1);
INSERT INTO "releases" VALUES('toy','toy','plain','2.0','settled','bad','non-finite loss at step 3, forward',0,2);
INSERT INTO "releases" VALUES('toy','toy','plain','2.1','settled','good','finite over 5 steps, mean loss of the last 2 steps 0.225 < 0.5',0,3);
CREATE TABLE walked (night INTEGER NOT NULL REFERENCES nights, watch TEXT NOT NULL,
           PRIMARY KEY (night, watch));
INSERT INTO "walked" VALUES(1,'toy in toy (plain)');
INSERT INTO "walked" VALUES(2,'toy in toy (plain)');
INSERT INTO "walked" VALUES(3,'toy in toy (plain)');
CREATE INDEX probes_by_line ON probes (scenario, package, arm, moment);
COMMIT;
PRAGMA user_version = 1;
